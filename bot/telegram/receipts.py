"""Writes down that a message was delivered: in one transaction with where it is and what need not be uploaded again."""

from __future__ import annotations

from dataclasses import dataclass

from bot.telegram.delivered import Delivered
from bot.telegram.slot_names import OUTGOING
from storage.documents import dump
from storage.outbox import Pending
from storage.slots import Slot
from storage.states import Urgency
from storage.store import Store


@dataclass(frozen=True)
class Receipts:
    """Of one bot."""

    store: Store

    async def keep(self, pending: Pending, delivered: Delivered) -> None:
        """The message is sent, or what is left of an album is next."""
        slots: dict[str, Slot | None] = dict(delivered.slots)
        if delivered.newest is not None:
            slots[OUTGOING] = Slot(message_id=delivered.newest)
        async with self.store.write():
            if delivered.rest is None:
                await self.store.outbox.sent(pending.id)
            else:
                await self.store.outbox.rewrite(pending.id, dump(delivered.rest))
            is_forgotten = await self._is_forgotten(pending.chat_id)
            await self._keep_slots(pending.chat_id, dict.fromkeys(slots) if is_forgotten else slots)
            for upload in delivered.uploads:
                if pending.urgency is not Urgency.PROGRESS and (upload.chat_id is None or not is_forgotten):
                    await self.store.uploads.remember(upload)

    async def _keep_slots(self, chat_id: int, slots: dict[str, Slot | None]) -> None:
        for name, slot in slots.items():
            if slot is None:
                await self.store.slots.drop(chat_id, name)
            else:
                await self.store.slots.put(chat_id, name, slot)

    async def _is_forgotten(self, chat_id: int) -> bool:
        """Whether this was the last word to somebody of whom nothing is kept any more. Groups have negative ids."""
        return chat_id > 0 and await self.store.people.find(chat_id) is None
