"""Bytes by content hash: tmp → fsync → rename → fsync(dir), then the row."""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import time
import uuid
from collections.abc import Sequence
from pathlib import Path

from storage import failpoints
from storage.database import Database
from storage.errors import FileDamaged, FileMissing
from storage.queries import queries
from storage.records import ContentHash

SQL = queries("files")
ORPHAN_AGE_MS = 60 * 60 * 1000  # a row may still be on its way to a younger file
TEMPORARY_AGE_SECONDS = 60 * 60


class FileFolder:
    """The folder itself, for threads that must not wait for the event loop. Layout: ab/cdef…"""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def path(self, file: ContentHash) -> Path:
        """Where the file of this hash lies, if it is there."""
        return self.folder / file[:2] / file[2:]

    def write(self, data: bytes) -> ContentHash:
        """Writes the bytes whole or not at all; the same bytes are written once."""
        file = ContentHash(hashlib.sha256(data).hexdigest())
        target = self.path(file)
        if target.exists() and target.stat().st_size == len(data):
            return file
        target.parent.mkdir(exist_ok=True)
        temporary = target.parent / f"{uuid.uuid4().hex}.tmp"
        with temporary.open("wb") as handle:
            handle.write(data)
            handle.flush()
            os.fsync(handle.fileno())
        failpoints.reach("rename")
        temporary.replace(target)
        _fsync_folder(target.parent)
        return file

    def read(self, file: ContentHash) -> bytes:
        """The bytes of a file. Raises FileMissing, or FileDamaged when they no longer match the hash."""
        try:
            data = self.path(file).read_bytes()
        except FileNotFoundError as error:
            raise FileMissing(file=file) from error
        if hashlib.sha256(data).hexdigest() != file:
            raise FileDamaged(file=file)
        return data

    def drop(self, file: ContentHash) -> None:
        """Removes a file from the disk."""
        self.path(file).unlink(missing_ok=True)

    def drop_temporaries(self) -> None:
        """Removes half-written files that a kill left behind."""
        for path in self.folder.glob("*/*.tmp"):
            if time.time() - path.stat().st_mtime > TEMPORARY_AGE_SECONDS:
                path.unlink(missing_ok=True)

    def is_empty(self) -> bool:
        """Whether nothing was ever stored here."""
        return next(self.folder.glob("*/*"), None) is None


class Files:
    """The files of the store and their rows."""

    def __init__(self, database: Database, folder: Path) -> None:
        self._database = database
        self.folder = FileFolder(folder)

    async def put(self, data: bytes, suffix: str) -> ContentHash:
        """Stores bytes; returns their hash. `suffix` says what they are, e.g. ".png"."""
        file = await asyncio.to_thread(self.folder.write, data)
        values = {"hash": file, "size_bytes": len(data), "suffix": suffix, "now": self._database.now_ms}
        await self._database.change(SQL["put"], values)
        return file

    async def read(self, file: ContentHash) -> bytes:
        """The bytes of a file. Raises FileMissing, FileDamaged."""
        return await asyncio.to_thread(self.folder.read, file)

    def path(self, file: ContentHash) -> Path:
        """Where the file lies."""
        return self.folder.path(file)

    async def of_quests(self, quests: Sequence[int]) -> tuple[ContentHash, ...]:
        """Every file that these quests name."""
        rows = await self._database.all(SQL["of_quests"], {"quests": json.dumps(list(quests))})
        return tuple(ContentHash(row["hash"]) for row in rows)

    async def drop_unneeded(self, files: Sequence[ContentHash]) -> None:
        """Deletes those of the files that nothing names any more."""
        await self._drop_orphans({"before": self._database.now_ms + 1, "only": json.dumps(list(files))})

    async def sweep(self) -> int:
        """Deletes all files older than an hour that nothing names any more; returns how many."""
        await asyncio.to_thread(self.folder.drop_temporaries)
        return await self._drop_orphans({"before": self._database.now_ms - ORPHAN_AGE_MS, "only": None})

    async def _drop_orphans(self, values: dict[str, object]) -> int:
        async with self._database.write():
            orphans = [ContentHash(row["hash"]) for row in await self._database.all(SQL["orphans"], values)]
            for file in orphans:
                await self._database.change(SQL["drop"], {"hash": file})
        for file in orphans:
            await asyncio.to_thread(self.folder.drop, file)
        return len(orphans)


def _fsync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
