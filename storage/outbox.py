"""Messages owed, in order, until Telegram has them; which message stands for which slot; waits Telegram asked for."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from storage.database import Database, Row, from_ms, to_ms
from storage.queries import queries
from storage.states import SlotShape, Urgency

SQL = queries("outbox")
MOST_UPLOADS = 50_000  # about 15 MB of rows; without them pictures are merely drawn and uploaded again


@dataclass(frozen=True, kw_only=True)
class Owed:
    """A message that is owed. `was_sending`: an earlier attempt may have arrived."""

    id: int
    chat_id: int
    urgency: Urgency
    slot: str | None
    body: str
    attempts: int
    was_sending: bool
    created: datetime


@dataclass(frozen=True, kw_only=True)
class Slot:
    """The message that stands for a slot. `digest` tells whether anything changed."""

    message_id: int
    shape: SlotShape
    digest: str
    buttons: bool


@dataclass(frozen=True, kw_only=True)
class Upload:
    """A picture with Telegram. `chat_id` is set for a person's own, which /forget takes along."""

    bot: int
    picture: str
    file_id: str
    chat_id: int | None


@dataclass(frozen=True, kw_only=True)
class Chat:
    """What is known of a chat's readiness."""

    wait_until: datetime | None = None
    closed: str | None = None


class Outbox:
    """What goes to Telegram."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def owe(
        self,
        chat_id: int,
        body: str,
        *,
        urgency: Urgency,
        slot: str | None = None,
        key: str | None = None,
        replaces: bool = True,
    ) -> None:
        """Owes a message. Older unsent drawings of its slot are dropped: progress always, replies when it `replaces`.

        A reply without a slot is not owed while the same one waits. The same `key` a second time changes nothing, also
        when the first is sent by then. To a closed chat it is owed from the day it opens again.
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
            await self._database.change(SQL["owe"], {**values, "now": self._database.now_ms})

    async def answers(self) -> tuple[Owed, ...]:
        """Answers to taps."""
        return tuple(_owed(row) for row in await self._database.all(SQL["answers"]))

    async def chats_with_work(self) -> tuple[int, ...]:
        """Chats to which something other than answers is owed."""
        return tuple(row["chat_id"] for row in await self._database.all(SQL["chats"]))

    async def next_for(self, chat_id: int) -> Owed | None:
        """The next message of a chat, if it may go now: a delayed one holds up what was owed after it."""
        row = await self._database.one(SQL["next_for"], {"chat_id": chat_id, "now": self._database.now_ms})
        return _owed(row) if row else None

    async def sending(self, owed_id: int) -> None:
        """The call is about to be made."""
        await self._database.change(SQL["sending"], {"id": owed_id})

    async def sent(self, owed_id: int) -> None:
        """Telegram has it."""
        async with self._database.write():
            await self._database.change(SQL["sent"], {"id": owed_id})
            await self._database.change(SQL["keep_key"], {"id": owed_id})

    async def later(self, owed_id: int, not_before: datetime, error: str = "") -> None:
        """To be tried again from that moment on."""
        await self._database.change(SQL["later"], {"id": owed_id, "not_before": to_ms(not_before), "error": error})

    async def rewrite(self, owed_id: int, body: str) -> None:
        """Something else is owed in its place, from the beginning."""
        await self._database.change(SQL["rewrite"], {"id": owed_id, "body": body})

    async def uncount(self, owed_id: int) -> None:
        """The last attempt says nothing of this message."""
        await self._database.change(SQL["uncount"], {"id": owed_id})

    async def park(self, owed_id: int, error: str) -> None:
        """Telegram will not take it."""
        await self._database.change(SQL["park"], {"id": owed_id, "error": error})

    async def slot(self, chat_id: int, slot: str) -> Slot | None:
        """The message that stands for a slot."""
        row = await self._database.one(SQL["slot"], {"chat_id": chat_id, "slot": slot})
        if row is None:
            return None
        buttons = bool(row["buttons"])
        return Slot(message_id=row["message_id"], shape=SlotShape(row["shape"]), digest=row["digest"], buttons=buttons)

    async def set_slot(self, chat_id: int, slot: str, found: Slot) -> None:
        """From now on that message stands for the slot."""
        values = {"chat_id": chat_id, "slot": slot, **vars(found), "buttons": int(found.buttons)}
        await self._database.change(SQL["set_slot"], values)

    async def drop_slot(self, chat_id: int, slot: str) -> None:
        """No message stands for the slot any more."""
        await self._database.change(SQL["drop_slot"], {"chat_id": chat_id, "slot": slot})

    async def chat(self, chat_id: int) -> Chat:
        """Whether a chat must wait or is closed."""
        row = await self._database.one(SQL["chat"], {"chat_id": chat_id})
        if row is None:
            return Chat()
        return Chat(wait_until=from_ms(row["wait_until"]) if row["wait_until"] else None, closed=row["closed"])

    async def wait(self, chat_id: int, until: datetime) -> None:
        """Nothing but answers goes to this chat before that moment."""
        await self._database.change(SQL["wait"], {"chat_id": chat_id, "until": to_ms(until)})

    async def close_chat(self, chat_id: int, why: str) -> None:
        """The chat takes nothing any more; what is owed waits until it opens again."""
        async with self._database.write():
            await self._database.change(SQL["close"], {"chat_id": chat_id, "why": why})
            await self._database.change(SQL["close_rows"], {"chat_id": chat_id})

    async def reopen_chat(self, chat_id: int) -> None:
        """The person is back: what waited is owed again."""
        async with self._database.write():
            await self._database.change(SQL["reopen"], {"chat_id": chat_id})
            await self._database.change(SQL["unpark"], {"chat_id": chat_id})

    async def migrate_chat(self, old: int, new: int) -> None:
        """A group became a supergroup: everything goes to the new id, in one transaction."""
        async with self._database.write():
            for name in ("migrate_outbox", "migrate_quests", "migrate_people"):
                await self._database.change(SQL[name], {"old": old, "new": new})
            await self._database.change(SQL["migrate_slots"], {"old": old})

    async def upload(self, bot: int, picture: str) -> str | None:
        """Telegram's id of a picture that this bot has uploaded before."""
        row = await self._database.one(SQL["upload"], {"bot": bot, "picture": picture})
        return str(row["file_id"]) if row else None

    async def remember_upload(self, upload: Upload) -> None:
        """A picture is with Telegram, under this id."""
        await self._database.change(SQL["remember_upload"], {**vars(upload), "now": self._database.now_ms})

    async def tidy(self, before_ms: int) -> None:
        """Deletes messages that will never be sent and are older; forgets old uploads, and some when there are many."""
        await self._database.delete(SQL["tidy"], {"before": before_ms})
        await self._database.delete(SQL["tidy_uploads"], {"before": before_ms, "most": MOST_UPLOADS})


def _owed(row: Row) -> Owed:
    return Owed(
        id=row["id"],
        chat_id=row["chat_id"],
        urgency=Urgency(row["urgency"]),
        slot=row["slot"],
        body=row["body"],
        attempts=row["attempts"],
        was_sending=row["state"] == "sending",
        created=from_ms(row["created"]),
    )
