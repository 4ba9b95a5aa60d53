"""People: who talks to the bot, what they chose, and forgetting them."""

from __future__ import annotations

from dataclasses import dataclass

from storage.database import Database, Row, from_ms
from storage.files import Files
from storage.queries import queries
from storage.records import Person
from storage.scrub import scrub

SQL = queries("people")
CHAT_TABLES = ("forget_outbox", "forget_taps", "forget_slots", "forget_uploads", "forget_chat")
PERSON_TABLES = ("forget_jobs", "forget_inbox", "forget_audit", "forget")


@dataclass(frozen=True)
class Holdings:
    """What is kept of a person."""

    quests: int
    pictures: int
    seals: int
    bytes: int


class People:
    """The people of the store."""

    def __init__(self, database: Database, files: Files) -> None:
        self._database = database
        self._files = files

    async def meet(self, user_id: int, chat_id: int, language: str) -> Person:
        """The person with this Telegram id; `language` counts only at the first meeting."""
        values = {"id": user_id, "chat_id": chat_id, "language": language, "now": self._database.now_ms}
        async with self._database.write():
            await self._database.change(SQL["meet"], values)
            found = await self.find(user_id)
        assert found is not None
        return found

    async def find(self, user_id: int) -> Person | None:
        """One person."""
        row = await self._database.one(SQL["find"], {"id": user_id})
        return _person(row) if row else None

    async def all(self) -> tuple[Person, ...]:
        """Everybody, in order of arrival."""
        return tuple(_person(row) for row in await self._database.all(SQL["all"], long=True))

    async def save(self, person: Person) -> Person:
        """Keeps what a person chose."""
        values = {
            "id": person.id,
            "chat_id": person.chat_id,
            "language": person.language,
            "current_quest": person.current_quest,
            "banned": int(person.banned),
            "blocked": int(person.blocked),
            "consented": int(person.consented),
        }
        await self._database.change(SQL["save"], values)
        return person

    async def holdings(self, user_id: int) -> Holdings:
        """What is kept of a person."""
        row = await self._database.one(SQL["holdings"], {"id": user_id}, long=True)
        assert row is not None
        return Holdings(**row)

    async def forget(self, user_id: int) -> None:
        """Deletes all of a person: rows, files nobody else needs and, once committed, their bytes in the database."""
        async with self._database.write():
            person = await self.find(user_id)
            quests = [row["id"] for row in await self._database.all(SQL["quests"], {"id": user_id})]
            files = [*await self._files.of_quests(quests)]
            for name in PERSON_TABLES:
                await self._database.delete(SQL[name], {"id": user_id})
            for chat_id in {user_id, person.chat_id if person else user_id}:
                files += await self._files.of_chat(chat_id)
                for name in CHAT_TABLES:
                    await self._database.delete(SQL[name], {"chat_id": chat_id})
            await self._database.change(SQL["schedule_scrub"], {"now": self._database.now_ms})
            await self._database.afterwards(lambda: self._files.drop_unneeded(files))
            await self._database.afterwards(self.scrub)

    async def scrub(self, *, whole: bool = False) -> None:
        """Takes forgotten people out of every byte; with a large database only when `whole`. Not inside a write."""
        if await scrub(self._database.path, whole=whole):
            await self._database.change(SQL["scrubbed"])

    async def scrub_when_idle(self) -> None:
        """What `forget` left of a large database for a moment in which nobody waits, or for a day later at most."""
        row = await self._database.one(SQL["scrub_due"], {"now": self._database.now_ms})
        if row is not None and (row["idle"] or row["late"]):
            await self.scrub(whole=True)

    async def ask_export(self, user_id: int) -> bool:
        """Asks for all that is kept of a person; False while it is being packed already."""
        return await self._database.change(SQL["ask_export"], {"person": user_id}) > 0

    async def next_export(self) -> tuple[int, Person] | None:
        """(number, person) of the earliest export that is not all enqueued yet."""
        row = await self._database.one(SQL["next_export"])
        person = await self.find(row["person"]) if row else None
        return (row["id"], person) if row and person else None

    async def is_exporting(self, number: int) -> bool:
        """Whether that export is still wanted: who forgets takes it back."""
        return await self._database.one(SQL["export"], {"id": number}) is not None

    async def exported(self, number: int) -> None:
        """All of it is enqueued."""
        await self._database.change(SQL["exported"], {"id": number})


def _person(row: Row) -> Person:
    flags = {name: bool(row[name]) for name in ("banned", "blocked", "consented")}
    return Person(**{**row, **flags, "created": from_ms(row["created"])})
