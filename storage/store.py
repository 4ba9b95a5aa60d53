"""The store: opens the database and the files and holds every noun by name."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from datetime import timedelta
from pathlib import Path
from typing import TypeVar

import structlog

from storage.audit import Audit
from storage.candidates import Candidates
from storage.chats import Chats
from storage.database import Clock, Database, to_ms
from storage.errors import CannotWrite, DatabaseMissing
from storage.fence import Fence
from storage.files import FileFolder, Files
from storage.inbox import Inbox
from storage.leases import Leases
from storage.machine import MachineRow
from storage.moments import Moments
from storage.mounts import MOUNTS, danger
from storage.outbox import Outbox
from storage.people import People
from storage.pictures import Pictures
from storage.private import make_private
from storage.quests import Quests
from storage.queue import Queue
from storage.room import Room
from storage.scrub import drop_copies, empty_log
from storage.seals import Seals
from storage.slots import Slots
from storage.trainings import Trainings
from storage.uploads import Uploads

log = structlog.get_logger("store")
DATABASE = "styleseal.sqlite"
FILES = "files"
KEEP = timedelta(days=7)  # Telegram keeps updates 24 h; a week leaves room for late duplicates

KEEP_NOTES = timedelta(days=90)
AGAIN_SECONDS = 1.0  # between two tries to write on a full disk

Result = TypeVar("Result")


class Store:
    """Everything that bot and engine share."""

    def __init__(self, database: Database, folder: Path) -> None:
        self.database = database
        self.folder = folder
        self.clock = database.clock
        self.room = database.room
        self.files = Files(database, folder / FILES)
        self.fence = Fence(database)
        self.pictures = Pictures(database, self.files, self.fence)
        self.candidates = Candidates(database)
        self.quests = Quests(database, self.files)
        self.people = People(database, self.files)
        self.trainings = Trainings(database, self.files, self.fence)
        self.queue = Queue(database, self.trainings)
        self.leases = Leases(database, self.fence, self.trainings)
        self.seals = Seals(database)
        self.inbox = Inbox(database)
        self.outbox = Outbox(database)
        self.chats = Chats(database)
        self.slots = Slots(database)
        self.uploads = Uploads(database)
        self.machine = MachineRow(database)
        self.moments = Moments(database)
        self.audit = Audit(database)

    @classmethod
    async def open(cls, folder: Path, clock: Clock | None = None, mounts: Path = MOUNTS) -> Store:
        """Opens the data folder, making it when it is new; warns of a file system that may corrupt it.

        Raises SqliteTooOld, SchemaNewer, DatabaseDamaged, NoRoom, DiskFails, and DatabaseMissing when there are files
        but no database.
        """
        path = folder / DATABASE
        with Room(folder).telling():
            await asyncio.to_thread(folder.mkdir, parents=True, exist_ok=True, mode=0o700)
            await asyncio.to_thread(make_private, folder)
            await asyncio.to_thread(refuse_to_forget, path, FileFolder(folder / FILES))
        store = cls(await Database.open(path, clock), folder)
        if (why := danger(folder, mounts)) is not None:
            log.warning("the data folder is not safe", why=why)
        await asyncio.to_thread(store.room.keep_reserve)
        return store

    @classmethod
    async def open_when_possible(cls, folder: Path, waits: Callable[[CannotWrite], None]) -> Store:
        """Opens the data folder as soon as the disk allows it; says once why it waits. Raises the rest of `open`."""
        said = False
        while True:
            try:
                return await cls.open(folder)
            except CannotWrite as error:
                if not said:
                    waits(error)
                said = True
                await asyncio.sleep(AGAIN_SECONDS)

    async def close(self) -> None:
        """Ends the connection."""
        await self.database.close()

    async def when_possible(self, act: Callable[[], Awaitable[Result]]) -> Result:
        """Does what must be written sooner or later, again and again until the disk takes it. Not inside a write."""
        while True:
            try:
                return await act()
            except CannotWrite:
                await asyncio.sleep(AGAIN_SECONDS)

    def write(self) -> AbstractAsyncContextManager[None]:
        """One transaction for everything inside; an exception rolls all of it back."""
        return self.database.write()

    async def tidy(self) -> None:
        """Deletes what nobody needs any more: old updates, taps, dead letters, orphaned files."""
        before = to_ms(self.clock() - KEEP)
        await self.inbox.tidy(before)
        await self.outbox.tidy(before)
        await self.uploads.tidy(before)
        await self.audit.tidy(to_ms(self.clock() - KEEP_NOTES))
        await self.files.sweep()
        await asyncio.to_thread(drop_copies, self.database.path, time.time() - KEEP.total_seconds())
        await asyncio.to_thread(empty_log, self.database.path)


def refuse_to_forget(path: Path, files: FileFolder) -> None:
    """An empty database is never put silently where one was. Raises DatabaseMissing."""
    log = path.with_name(path.name + "-wal")
    if not path.exists() and (log.exists() or not files.is_empty()):
        raise DatabaseMissing(path=path.name)
