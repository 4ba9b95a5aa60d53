"""A consistent copy of everything while bot and engine run, and the check of such a copy."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path

from pysqlite3 import dbapi2 as sqlite

from storage.errors import DatabaseDamaged
from storage.files import FileFolder
from storage.records import ContentHash
from storage.store import DATABASE, FILES, Store


async def back_up(store: Store, target: Path) -> None:
    """Copies database and files into a new folder; files come last, so none that the database names can be missing."""
    await asyncio.to_thread(target.mkdir, parents=True)
    await store.database.backup_to(target / DATABASE)
    rows = _hashes(target / DATABASE)
    await asyncio.to_thread(_copy_files, store.files.folder, FileFolder(target / FILES), rows)
    check(target)


def check(folder: Path) -> None:
    """Raises DatabaseDamaged, FileMissing or FileDamaged unless the copy is whole."""
    connection = sqlite.connect(str(folder / DATABASE))
    try:
        found = connection.execute("PRAGMA integrity_check").fetchone()[0]
        broken = connection.execute("PRAGMA foreign_key_check").fetchall()
    finally:
        connection.close()
    if found != "ok" or broken:
        raise DatabaseDamaged(path=DATABASE)
    files = FileFolder(folder / FILES)
    for file in _hashes(folder / DATABASE):
        files.read(file)


def _hashes(path: Path) -> list[ContentHash]:
    connection = sqlite.connect(str(path))
    try:
        return [ContentHash(row[0]) for row in connection.execute("SELECT hash FROM files ORDER BY hash")]
    finally:
        connection.close()


def _copy_files(source: FileFolder, target: FileFolder, files: list[ContentHash]) -> None:
    for file in files:
        path = target.path(file)
        path.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source.path(file), path)
