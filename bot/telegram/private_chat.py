"""What one person taps, writes and edits in their own chat, on the way to the journey and back into the outbox."""

from __future__ import annotations

from dataclasses import dataclass

from telegram import CallbackQuery, MaybeInaccessibleMessage, Message, User

from bot.admin import panel
from bot.buttons import BUTTONS
from bot.screens import SCREEN, Reply
from bot.steps import journey
from bot.steps.walk import Walk
from bot.taps import Tap, TapUnreadable
from bot.telegram.edits import Answered, edited, remember
from bot.telegram.language import language_of
from bot.telegram.outgoing import enqueue_answer, enqueue_reply
from bot.telegram.slot_names import INCOMING
from bot.walks import WalkFor
from storage.records import Person
from storage.slots import Slot
from storage.states import SlotShape
from storage.store import Store

LONGEST_TEXT = 20_000  # the journey says its own limits; this only bounds what is kept


@dataclass
class PrivateChat:
    """Everybody's own chat. Each call belongs into the transaction of its update."""

    store: Store
    walk_for: WalkFor
    language: str

    async def on_tap(self, query: CallbackQuery, message: MaybeInaccessibleMessage) -> None:
        """A button of a message."""
        chat_id, data = message.chat.id, query.data or ""
        person = await self._person(query.from_user, chat_id)
        walk = await self.walk_for(person)
        before = await self.store.inbox.tap_done(chat_id, message.message_id, data)
        if before is not None:
            await enqueue_answer(self.store, query, Reply(toast=before))
            return
        reply = await _tapped(walk, data)
        if await self.store.people.find(person.id) is None:
            await self._forgotten(message)
        elif not reply.refused:  # what could not be done now may be asked for again by the same button
            await self.store.inbox.remember_tap(chat_id, message.message_id, data, reply.toast)
        await enqueue_answer(self.store, query, reply)
        await enqueue_reply(self.store, chat_id, reply)

    async def on_message(self, user: User, message: Message) -> None:
        """A text, a command, a file."""
        chat_id = message.chat.id
        walk = await self.walk_for(await self._person(user, chat_id))
        await self.store.slots.put(chat_id, INCOMING, Slot(message_id=message.message_id))
        before = walk.quest
        reply = await _heard(walk, message)
        album = f"album:{chat_id}:{message.media_group_id}" if message.media_group_id else None
        await enqueue_reply(self.store, chat_id, reply, album)
        if message.text is not None:
            answered = Answered.of(before, walk.quest, message.text[:LONGEST_TEXT])
            await remember(self.store, chat_id, message.message_id, answered)

    async def on_edit(self, user: User, message: Message) -> None:
        """A changed text of somebody known; what else may be edited (a caption, a place) is nothing to us."""
        person = await self.store.people.find(message.chat.id)
        if person is None or message.text is None or message.text.startswith("/"):
            return
        walk = await self.walk_for(await self._person(user, message.chat.id))
        reply = await edited(walk, message.chat.id, message.message_id, message.text[:LONGEST_TEXT])
        await enqueue_reply(self.store, message.chat.id, reply)

    async def _person(self, user: User, chat_id: int) -> Person:
        """The row of whoever wrote or tapped; a new one for a stranger."""
        person = await self.store.people.meet(user.id, chat_id, language_of(user, self.language))
        if (await self.store.chats.find(chat_id)).closed is not None:
            await self.store.chats.reopen(chat_id)
        return person

    async def _forgotten(self, message: MaybeInaccessibleMessage) -> None:
        """The last word goes where they tapped, so that no old button stays; delivery drops this slot afterwards."""
        shape = SlotShape.PHOTO if isinstance(message, Message) and message.photo else SlotShape.TEXT
        slot = Slot(message_id=message.message_id, shape=shape, buttons=True)
        await self.store.slots.put(message.chat.id, SCREEN, slot)


async def _tapped(walk: Walk, data: str) -> Reply:
    try:
        tap = Tap.read(data)
    except TapUnreadable:
        return Reply(toast=walk.words.plain("tap.unreadable"))
    return await journey.on_tap(walk, tap, BUTTONS[tap.verb])


async def _heard(walk: Walk, message: Message) -> Reply:
    text = (message.text or "")[:LONGEST_TEXT]
    if text.startswith("/"):
        name = text[1:].partition(" ")[0].partition("@")[0].lower()
        if name == "admin" and panel.may(walk):
            return await panel.show(walk)
        return await journey.on_command(walk, name)
    if message.text is not None:
        return await journey.on_text(walk, text)
    if message.effective_attachment is not None:
        return await journey.on_file(walk)
    return Reply()  # somebody pinned a message, or the like
