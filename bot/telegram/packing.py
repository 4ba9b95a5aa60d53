"""Packs what people asked to take along: beside everything else, part by part, each enqueued as soon as it is there."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from bot.screens import Document, Message, Notice, Screen
from bot.steps.export import Part, pack, parts_of
from bot.telegram.outgoing import enqueue
from bot.words import Words
from storage.errors import CannotWrite
from storage.records import Person
from storage.states import Urgency
from storage.store import AGAIN_SECONDS, Store

LOOK_SECONDS = 1.0


class Packing:
    """Serves one export after another; a kill in between sends no part twice."""

    def __init__(self, store: Store, wake: Callable[[], None] = lambda: None) -> None:
        self._store = store
        self._wake = wake

    async def run(self) -> None:
        """Packs until cancelled."""
        while True:
            try:
                found = await self.work()
            except CannotWrite as error:
                self._store.room.complain(error)
                await asyncio.sleep(AGAIN_SECONDS)
            else:
                if not found:
                    await asyncio.sleep(LOOK_SECONDS)

    async def work(self) -> bool:
        """Packs the earliest export whole; False when there is none."""
        found = await self._store.people.next_export()
        if found is None:
            return False
        number, person = found
        words = Words(person.language)
        parts, missing = await parts_of(self._store, person)
        for part in parts:
            data = await asyncio.to_thread(pack, part, self._store.files.folder)
            file = await self._store.files.put(data, ".zip")
            which = {"part": part.number, "parts": len(parts)}
            text = words("export.text") if len(parts) == 1 else words("export.part", **which)
            document = Document(file=file, filename=_name(person, part, len(parts)), text=text)
            if not await self._enqueue(number, person, document, f"export:{number}:{part.number}"):
                return True
            progress = Screen(text=words("export.packing", **which), slot=f"export:{number}")
            await self._enqueue(number, person, progress, None)
        await self._end(number, person, words("export.missing", count=missing) if missing else words("export.all"))
        return True

    async def _end(self, number: int, person: Person, text: str) -> None:
        await self._enqueue(number, person, Notice(text=text), f"export:{number}:end")
        await self._store.people.exported(number)

    async def _enqueue(self, number: int, person: Person, message: Message, key: str | None) -> bool:
        """False when the person was forgotten meanwhile: then nothing of theirs is sent any more."""
        async with self._store.write():
            if not await self._store.people.is_exporting(number):
                return False
            urgency = Urgency.PROGRESS if key is None else Urgency.EVENT
            await enqueue(self._store, person.chat_id, message, urgency, key)
        self._wake()
        return True


def _name(person: Person, part: Part, parts: int) -> str:
    return f"styleseal-{person.id}.zip" if parts == 1 else f"styleseal-{person.id}-{part.number}-of-{parts}.zip"
