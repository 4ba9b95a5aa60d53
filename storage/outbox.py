"""Messages pending, in order, until Telegram has them or will never take them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from storage.database import Database, Row, from_ms, to_ms
from storage.queries import queries
from storage.states import Urgency

SQL = queries("outbox")


@dataclass(frozen=True, kw_only=True)
class Pending:
    """A message that Telegram does not have yet. `was_sending`: an earlier attempt may have arrived."""

    id: int
    chat_id: int
    urgency: Urgency
    slot: str | None
    body: str
    attempts: int
    was_sending: bool
    created: datetime


class Outbox:
    """What goes to Telegram."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def enqueue(
        self,
        chat_id: int,
        body: str,
        *,
        urgency: Urgency,
        slot: str | None = None,
        key: str | None = None,
        replaces: bool = True,
    ) -> None:
        """Adds a message. Older unsent drawings of its slot are dropped: progress always, replies when it `replaces`.

        A reply without a slot is not added while the same one waits. The same `key` a second time changes nothing, also
        when the first is sent by then. To a closed chat it goes from the day it opens again.
        """
        values = {"key": key, "chat_id": chat_id, "urgency": urgency.value, "slot": slot, "body": body}
        is_plain = key is None and slot is None and urgency is Urgency.REPLY
        async with self._database.write():
            if key is not None and await self._database.one(SQL["with_key"], {"key": key}):
                return
            if is_plain and await self._database.one(SQL["same_waits"], {"chat_id": chat_id, "body": body}):
                return
            if slot is not None:
                replies = int(replaces and urgency is not Urgency.PROGRESS)
                await self._database.change(SQL["supersede"], {"chat_id": chat_id, "slot": slot, "replies": replies})
            await self._database.change(SQL["enqueue"], {**values, "now": self._database.now_ms})

    async def answers(self) -> tuple[Pending, ...]:
        """Answers to taps."""
        return tuple(_pending(row) for row in await self._database.all(SQL["answers"]))

    async def chats_with_pending(self) -> tuple[int, ...]:
        """Chats for which something other than answers is pending."""
        return tuple(row["chat_id"] for row in await self._database.all(SQL["chats_with_pending"]))

    async def next_for(self, chat_id: int) -> Pending | None:
        """The next message of a chat, if it may go now: a delayed one holds up what was enqueued after it."""
        row = await self._database.one(SQL["next_for"], {"chat_id": chat_id, "now": self._database.now_ms})
        return _pending(row) if row else None

    async def sending(self, message_id: int) -> None:
        """The call is about to be made."""
        await self._database.change(SQL["sending"], {"id": message_id})

    async def sent(self, message_id: int) -> None:
        """Telegram has it."""
        async with self._database.write():
            await self._database.change(SQL["sent"], {"id": message_id})
            await self._database.change(SQL["keep_key"], {"id": message_id})

    async def later(self, message_id: int, not_before: datetime, error: str = "") -> None:
        """To be tried again from that moment on."""
        await self._database.change(SQL["later"], {"id": message_id, "not_before": to_ms(not_before), "error": error})

    async def rewrite(self, message_id: int, body: str) -> None:
        """Something else goes in its place, from the beginning."""
        await self._database.change(SQL["rewrite"], {"id": message_id, "body": body})

    async def uncount(self, message_id: int) -> None:
        """The last attempt says nothing of this message."""
        await self._database.change(SQL["uncount"], {"id": message_id})

    async def dead_letter(self, message_id: int, error: str) -> None:
        """Puts a message aside that Telegram will not take."""
        await self._database.change(SQL["dead_letter"], {"id": message_id, "error": error})

    async def tidy(self, before_ms: int) -> None:
        """Deletes messages that will never be sent, and keys of sent ones, when they are older."""
        await self._database.delete(SQL["tidy"], {"before": before_ms})


def _pending(row: Row) -> Pending:
    return Pending(
        id=row["id"],
        chat_id=row["chat_id"],
        urgency=Urgency(row["urgency"]),
        slot=row["slot"],
        body=row["body"],
        attempts=row["attempts"],
        was_sending=row["state"] == "sending",
        created=from_ms(row["created"]),
    )
