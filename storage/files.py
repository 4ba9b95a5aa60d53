"""Bytes by content hash: tmp → fsync → rename → fsync(dir), then the row. What nothing names any more is deleted."""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import re
import time
import uuid
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path

from storage.database import Database
from storage.errors import FileDamaged, FileMissing
from storage.opening import rename
from storage.queries import queries
from storage.records import ContentHash
from storage.room import Room

SQL = queries("files")
HASH = re.compile(r"[0-9a-f]{64}")
ORPHAN_AGE_MS = 60 * 60 * 1000  # a row may still be on its way to a younger file
ORPHAN_AGE_SECONDS = ORPHAN_AGE_MS / 1000
NAMING_DOCUMENTS = ("named_by_jobs", "named_by_outbox", "named_by_machine")


class FileFolder:
    """The folder itself, for threads that must not wait for the event loop. Layout: ab/cdef…"""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.room = Room(folder)
        folder.mkdir(parents=True, exist_ok=True)

    def path(self, file: ContentHash) -> Path:
        """Where the file of this hash lies, if it is there. Raises ValueError for what is no hash."""
        if not HASH.fullmatch(file):
            raise ValueError(f"{file!r} is no content hash")
        return self.folder / file[:2] / file[2:]

    def write(self, data: bytes) -> ContentHash:
        """Writes the bytes whole or not at all; the same bytes are written again only when the disk spoilt them.

        Raises NoRoom, DiskFails; then nothing is left of the try.
        """
        file = ContentHash(hashlib.sha256(data).hexdigest())
        target = self.path(file)
        if target.exists() and target.read_bytes() == data:
            return file
        temporary = target.parent / f"{uuid.uuid4().hex}.tmp"
        with self.room.telling(len(data)):
            self.room.require(len(data))
            target.parent.mkdir(exist_ok=True)
            try:
                _write_durably(temporary, data)
                rename(temporary, target)
            except BaseException:
                temporary.unlink(missing_ok=True)
                raise
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

    def is_empty(self) -> bool:
        """Whether nothing was ever stored here."""
        return next(self.folder.glob("*/*"), None) is None

    def left_behind(self, known: Collection[str]) -> Iterator[Path]:
        """What kills left: half-written files, and whole ones whose row never came; none younger than an hour."""
        for path in self.folder.glob("*/*"):
            if path.parent.name + path.name in known:
                continue
            try:
                age_seconds = time.time() - path.stat().st_mtime
            except FileNotFoundError:  # it was renamed while we looked
                continue
            if age_seconds > ORPHAN_AGE_SECONDS:
                yield path


def _names(paths: Sequence[Path]) -> str:
    return json.dumps([path.parent.name + path.name for path in paths])


def _write_durably(path: Path, data: bytes) -> None:
    with path.open("wb") as handle:
        handle.write(data)
        handle.flush()
        os.fsync(handle.fileno())


class Files:
    """The files of the store and their rows."""

    def __init__(self, database: Database, folder: Path) -> None:
        self._database = database
        self.folder = FileFolder(folder)

    async def put(self, data: bytes, suffix: str) -> ContentHash:
        """Stores bytes; returns their hash. `suffix` says what they are, e.g. ".png"."""
        file = await asyncio.to_thread(self.folder.write, data)
        values = {"hash": file, "size_bytes": len(data), "suffix": suffix, "now": self._database.now_ms}
        async with self._database.write():
            await self._database.change(SQL["put"], values)
            if not self.folder.path(file).exists():  # deleted as an orphan a moment ago; now the row protects it
                await asyncio.to_thread(self.folder.write, data)
        return file

    async def read(self, file: ContentHash) -> bytes:
        """The bytes of a file. Raises FileMissing, FileDamaged."""
        return await asyncio.to_thread(self.folder.read, file)

    def path(self, file: ContentHash) -> Path:
        """Where the file lies."""
        return self.folder.path(file)

    async def of_quests(self, quests: Sequence[int]) -> tuple[ContentHash, ...]:
        """Every file that these quests name, in rows or inside what their jobs ask and answer."""
        values = {"quests": json.dumps(list(quests))}
        found = {row["hash"] for row in await self._database.all(SQL["of_quests"], values, long=True)}
        for row in await self._database.all(SQL["documents_of_quests"], values, long=True):
            found.update(HASH.findall(row["document"]))
        return tuple(ContentHash(file) for file in sorted(found))

    async def of_chat(self, chat_id: int) -> tuple[ContentHash, ...]:
        """Every file that messages to this chat name."""
        rows = await self._database.all(SQL["documents_of_chat"], {"chat_id": chat_id}, long=True)
        return tuple(ContentHash(file) for row in rows for file in HASH.findall(row["document"]))

    async def drop_unneeded(self, files: Sequence[ContentHash]) -> None:
        """Deletes those of the files that nothing names any more."""
        await self._drop_orphans({"before": self._database.now_ms + 1, "only": json.dumps(list(files))})

    async def drop_replaced(self, files: Collection[ContentHash]) -> None:
        """Deletes those of the files that no row names any more, at the commit; for files that no document names.

        Unlike `drop_unneeded` it reads no document, so it costs the same however many jobs there ever were.
        """
        async with self._database.write():
            rows = await self._database.all(SQL["without_rows_now"], {"only": json.dumps(list(files))})
            gone = [ContentHash(row["hash"]) for row in rows]
            await self._database.change_many(SQL["drop"], [{"hash": file} for file in gone])
            await self._database.afterwards(lambda: self._unlink(gone))

    async def sweep(self) -> int:
        """Deletes all files older than an hour that nothing names any more; returns how many had rows."""
        dropped = await self._drop_orphans({"before": self._database.now_ms - ORPHAN_AGE_MS, "only": None})
        known = {row["hash"] for row in await self._database.all(SQL["all"], long=True)}
        left = await asyncio.to_thread(lambda: list(self.folder.left_behind(known)))
        if left:
            async with self._database.write():  # so that no row can come while we delete
                since = {row["hash"] for row in await self._database.all(SQL["known"], {"files": _names(left)})}
                for path in left:
                    if path.parent.name + path.name not in since:
                        path.unlink(missing_ok=True)
        return dropped

    async def _drop_orphans(self, values: dict[str, object]) -> int:
        """What is long to look through is read before the write, so that nobody waits for it.

        The rows go first: a kill in between leaves a file without a row, which the next sweep finds.
        """
        looked = self._database.now_ms + 1
        found = {ContentHash(row["hash"]) for row in await self._database.all(SQL["without_rows"], values, long=True)}
        found -= await self._named_in_documents() if found else set()
        if not found:
            return 0
        again = {"before": looked, "only": json.dumps(sorted(found))}  # but for what somebody stored since
        async with self._database.write():
            orphans = [ContentHash(row["hash"]) for row in await self._database.all(SQL["without_rows"], again)]
            await self._database.change_many(SQL["drop"], [{"hash": file} for file in orphans])
            await self._database.afterwards(lambda: self._unlink(orphans))
        return len(orphans)

    async def _unlink(self, files: Sequence[ContentHash]) -> None:
        """Deletes from the disk what still has no row: somebody may have stored the same bytes anew."""
        async with self._database.write():
            known = {row["hash"] for row in await self._database.all(SQL["known"], {"files": json.dumps(list(files))})}
            for file in set(files) - known:
                await asyncio.to_thread(self.folder.drop, file)

    async def _named_in_documents(self) -> set[str]:
        """Files named inside JSON: in what jobs ask and answer, in pending messages, in what the machine says."""
        named: set[str] = set()
        for name in NAMING_DOCUMENTS:
            for row in await self._database.all(SQL[name], long=True):
                named.update(HASH.findall(row["document"]))
        return named
