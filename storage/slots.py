"""Which message stands for which slot of a chat ("screen", "job:12"), so that it can be edited in place."""

from __future__ import annotations

from dataclasses import dataclass

from storage.database import Database
from storage.queries import queries
from storage.states import SlotShape

SQL = queries("slots")


@dataclass(frozen=True, kw_only=True)
class Slot:
    """The message that stands for a slot. `fingerprint` tells whether anything changed."""

    message_id: int
    shape: SlotShape = SlotShape.TEXT
    fingerprint: str = ""
    buttons: bool = False


class Slots:
    """The slots of all chats."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def find(self, chat_id: int, name: str) -> Slot | None:
        """The message that stands for a slot."""
        row = await self._database.one(SQL["find"], {"chat_id": chat_id, "slot": name})
        if row is None:
            return None
        return Slot(
            message_id=row["message_id"],
            shape=SlotShape(row["shape"]),
            fingerprint=row["digest"],
            buttons=bool(row["buttons"]),
        )

    async def put(self, chat_id: int, name: str, slot: Slot) -> None:
        """From now on that message stands for the slot."""
        values = {"chat_id": chat_id, "slot": name, **vars(slot), "buttons": int(slot.buttons)}
        await self._database.change(SQL["put"], values)

    async def drop(self, chat_id: int, name: str) -> None:
        """No message stands for the slot any more."""
        await self._database.change(SQL["drop"], {"chat_id": chat_id, "slot": name})
