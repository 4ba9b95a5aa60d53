"""Whether a chat may be written to: waits that Telegram asked for, chats that take nothing, groups that moved."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from storage.database import Database, from_ms, to_ms
from storage.queries import queries

SQL = queries("chats")


@dataclass(frozen=True, kw_only=True)
class Chat:
    """What is known of a chat's readiness."""

    wait_until: datetime | None = None
    closed: str | None = None


class Chats:
    """The chats that we write to."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def find(self, chat_id: int) -> Chat:
        """Whether a chat must wait or is closed."""
        row = await self._database.one(SQL["find"], {"chat_id": chat_id})
        if row is None:
            return Chat()
        return Chat(wait_until=from_ms(row["wait_until"]) if row["wait_until"] else None, closed=row["closed"])

    async def wait(self, chat_id: int, until: datetime) -> None:
        """Nothing but answers goes to this chat before that moment."""
        await self._database.change(SQL["wait"], {"chat_id": chat_id, "until": to_ms(until)})

    async def close(self, chat_id: int, why: str) -> None:
        """The chat takes nothing any more; what is pending waits until it opens again."""
        async with self._database.write():
            await self._database.change(SQL["close"], {"chat_id": chat_id, "why": why})
            await self._database.change(SQL["hold_messages"], {"chat_id": chat_id})

    async def reopen(self, chat_id: int) -> None:
        """The person is back: what waited is pending again."""
        async with self._database.write():
            await self._database.change(SQL["reopen"], {"chat_id": chat_id})
            await self._database.change(SQL["release_messages"], {"chat_id": chat_id})

    async def migrate(self, old: int, new: int) -> None:
        """A group became a supergroup: everything goes to the new id, in one transaction."""
        async with self._database.write():
            for name in ("migrate_outbox", "migrate_quests", "migrate_people"):
                await self._database.change(SQL[name], {"old": old, "new": new})
            await self._database.change(SQL["drop_slots"], {"old": old})
