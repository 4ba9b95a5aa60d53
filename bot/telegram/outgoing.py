"""The way into the outbox: messages become rows of the transaction under way; delivery sends them afterwards."""

from __future__ import annotations

from bot.screens import Message, Screen
from storage.documents import dump
from storage.states import Urgency
from storage.store import Store


async def enqueue(store: Store, chat_id: int, message: Message, urgency: Urgency, key: str | None = None) -> None:
    """Puts a message into the outbox; a screen drawn anew replaces older unsent drawings of its slot."""
    slot = message.slot if isinstance(message, Screen) else None
    is_fresh = isinstance(message, Screen) and message.fresh
    await store.outbox.enqueue(chat_id, dump(message), urgency=urgency, slot=slot, key=key, replaces=not is_fresh)
