"""The way into the outbox: messages become rows of the transaction under way; delivery sends them afterwards."""

from __future__ import annotations

from telegram import CallbackQuery

from bot.screens import Answer, Message, Reply, Screen
from storage.documents import dump
from storage.states import Urgency
from storage.store import Store


async def enqueue(store: Store, chat_id: int, message: Message, urgency: Urgency, key: str | None = None) -> None:
    """Puts a message into the outbox; a screen drawn anew replaces older unsent drawings of its slot."""
    slot = message.slot if isinstance(message, Screen) else None
    is_fresh = isinstance(message, Screen) and message.fresh
    await store.outbox.enqueue(chat_id, dump(message), urgency=urgency, slot=slot, key=key, replaces=not is_fresh)


async def enqueue_reply(store: Store, chat_id: int, reply: Reply, key: str | None = None) -> None:
    """With a `key` once, whatever comes under it later: pictures of one album come as messages of their own."""
    for number, message in enumerate(reply.messages):
        await enqueue(store, chat_id, message, Urgency.REPLY, f"{key}:{number}" if key else None)


async def enqueue_answer(store: Store, query: CallbackQuery, reply: Reply) -> None:
    """What a tap is answered with at once."""
    answer = Answer(callback_query_id=query.id, text=reply.toast, alert=reply.alert)
    await enqueue(store, query.from_user.id, answer, Urgency.ANSWER)
