"""A consistent copy of everything while bot and engine run, the check of such a copy, and the way back from it."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path

from pysqlite3 import dbapi2 as sqlite

from storage.errors import DatabaseDamaged, DatabaseMissing, StorageError
from storage.files import HASH, FileFolder
from storage.opening import make_durable
from storage.records import ContentHash
from storage.store import DATABASE, FILES, Store


async def back_up(store: Store, target: Path) -> None:
    """Copies database and files into a new folder, and checks the copy.

    Files go first and, for those that came meanwhile, last: what is deleted in between cannot be missing from the copy.
    """
    await asyncio.to_thread(target.mkdir, parents=True)
    copied = FileFolder(target / FILES)
    await asyncio.to_thread(_copy_files, store.files.folder, copied, _on_disk(store.files.folder))
    await asyncio.to_thread(_copy_database, store.database.path, target / DATABASE)
    await asyncio.to_thread(_keep_only_named, store.files.folder, copied, target / DATABASE)
    await asyncio.to_thread(check, target)


def check(folder: Path) -> None:
    """Raises DatabaseMissing, DatabaseDamaged, FileMissing or FileDamaged unless the copy is whole."""
    path = folder / DATABASE
    if not path.exists():
        raise DatabaseMissing(path=DATABASE)
    try:
        with closing(sqlite.connect(str(path))) as connection:
            found = connection.execute("PRAGMA integrity_check").fetchone()[0]
            broken = connection.execute("PRAGMA foreign_key_check").fetchall()
    except sqlite.DatabaseError as error:
        raise DatabaseDamaged(path=DATABASE) from error
    if found != "ok" or broken:
        raise DatabaseDamaged(path=DATABASE, found=found)
    files = FileFolder(folder / FILES)
    for file in _named(path):
        files.read(file)


def restore(copy: Path, folder: Path) -> None:
    """Puts a checked copy into a new data folder; unfinished jobs go on there. Raises what `check` raises."""
    check(copy)
    if (folder / DATABASE).exists():
        raise StorageError("There is a database in that folder already.", path=str(folder))
    files = FileFolder(folder / FILES)
    _copy_files(FileFolder(copy / FILES), files, _named(copy / DATABASE))
    shutil.copyfile(copy / DATABASE, folder / DATABASE)
    make_durable(folder / DATABASE)


def _copy_database(source: Path, target: Path) -> None:
    """A consistent copy, while this process and others read and write."""
    with closing(sqlite.connect(str(source), isolation_level=None)) as connection:
        connection.execute("VACUUM INTO ?", (str(target),))
    make_durable(target)


def _named(path: Path) -> list[ContentHash]:
    with closing(sqlite.connect(str(path))) as connection:
        return [ContentHash(row[0]) for row in connection.execute("SELECT hash FROM files ORDER BY hash")]


def _on_disk(files: FileFolder) -> list[ContentHash]:
    names = (path.parent.name + path.name for path in files.folder.glob("*/*"))
    return [ContentHash(name) for name in names if HASH.fullmatch(name)]


def _copy_files(source: FileFolder, target: FileFolder, files: Iterable[ContentHash]) -> None:
    for file in files:
        path = target.path(file)
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            shutil.copyfile(source.path(file), path)
        except FileNotFoundError:  # deleted since it was listed; `check` says so when the copy needs it
            continue
        make_durable(path)


def _keep_only_named(source: FileFolder, copied: FileFolder, database: Path) -> None:
    named = set(_named(database))
    have = set(_on_disk(copied))
    _copy_files(source, copied, named - have)
    for file in have - named:
        copied.drop(file)
