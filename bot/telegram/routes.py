"""From an update to the journey and back into the outbox: one transaction holds everything an update changes."""

from __future__ import annotations

import asyncio
import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass, replace

import structlog
from telegram import CallbackQuery, ChatMember, MaybeInaccessibleMessage, Message, Update, User
from telegram.constants import ChatType

from bot.admin import panel
from bot.buttons import BUTTONS
from bot.screens import SCREEN, Answer, Notice, Reply
from bot.screens import Message as Shown
from bot.steps import journey
from bot.steps.walk import Walk
from bot.taps import Tap, TapUnreadable
from bot.telegram.edits import Answered, edited, remember
from bot.telegram.outgoing import enqueue
from bot.telegram.profile import COMMANDS
from bot.telegram.slot_names import INCOMING
from bot.walks import WalkFor
from bot.words import LANGUAGES, Words
from storage.errors import CannotWrite
from storage.records import Person
from storage.slots import Slot
from storage.states import SlotShape, Urgency
from storage.store import AGAIN_SECONDS, Store

log = structlog.get_logger("routes")
ATTEMPTS = 2  # a handler that fails twice fails for a reason of its own
COMMAND = re.compile(r"/(?P<name>\w+)(?:@(?P<bot>\w+))?(?:\s|$)", re.ASCII)
LONGEST_TEXT = 20_000  # the journey says its own limits; this only bounds what is kept


@dataclass
class Routes:
    """Handles updates one after another."""

    store: Store
    walk_for: WalkFor
    language: str
    wake: Callable[[], None]  # called after messages were enqueued

    async def handle(self, update: Update) -> None:
        """Handles an update once, whole or not at all; what cannot be handled is answered with a sentence."""
        while await self.store.inbox.is_pending(update.update_id):
            try:
                async with self.store.write():
                    await self._route(update)
                    await self.store.inbox.done(update.update_id)
            except CannotWrite as error:  # nobody's fault and nobody's loss: the update waits for the disk
                self.store.room.complain(error)
                await asyncio.sleep(AGAIN_SECONDS)
            except Exception:  # the next person's update must not suffer
                short_id = secrets.token_hex(3)
                log.exception("update not handled", update=update.update_id, short_id=short_id)
                if await self.store.inbox.attempted(update.update_id) >= ATTEMPTS:
                    await self._give_up(update, short_id)
        self.wake()

    async def _give_up(self, update: Update, short_id: str) -> None:
        try:
            async with self.store.write():
                await self.store.inbox.failed(update.update_id)
                await self._apologise(update, short_id)
        except Exception:  # putting it aside must not depend on words
            log.exception("no apology", short_id=short_id)
            await self.store.inbox.failed(update.update_id)

    async def _apologise(self, update: Update, short_id: str) -> None:
        if update.effective_user is None or update.effective_chat is None:
            return
        text = (await self._words(update.effective_user))("error.unexpected", id=short_id)
        if update.callback_query is not None:
            await self._enqueue_answer(update.callback_query, Reply())
        await self._enqueue(update.effective_chat.id, Notice(text=text), Urgency.REPLY)

    async def _route(self, update: Update) -> None:
        if update.my_chat_member is not None:
            await self._membership(update)
        elif update.effective_user is None or update.effective_user.is_bot or update.effective_chat is None:
            return
        elif update.callback_query is not None:
            await self._tapped(update, update.callback_query)
        elif update.message is not None and update.message.chat.type != ChatType.PRIVATE:
            await self._heard_in_group(update.effective_user, update.message)
        elif update.message is not None:
            await self._wrote(update, update.message)
        elif update.edited_message is not None and update.edited_message.chat.type == ChatType.PRIVATE:
            await self._edited(update, update.edited_message)

    async def _person(self, update: Update) -> Person:
        """The row of whoever wrote or tapped in private; a new one for a stranger."""
        user, chat = update.effective_user, update.effective_chat
        assert user is not None
        assert chat is not None
        chat_id = chat.id if chat.type == ChatType.PRIVATE else user.id
        person = await self.store.people.meet(user.id, chat_id, language_of(user, self.language))
        if (await self.store.chats.find(chat_id)).closed is not None:
            await self.store.chats.reopen(chat_id)
        return person

    async def _words(self, user: User) -> Words:
        """In the language of somebody of whom no row may be made for that."""
        person = await self.store.people.find(user.id)
        return Words(person.language if person else language_of(user, self.language))

    async def _membership(self, update: Update) -> None:
        changed = update.my_chat_member
        assert changed is not None
        if changed.chat.type != ChatType.PRIVATE:
            return
        blocked = changed.new_chat_member.status in (ChatMember.BANNED, ChatMember.LEFT)
        person = await self.store.people.find(changed.from_user.id)
        if person is not None:
            await self.store.people.save(replace(person, blocked=blocked))
        if blocked:
            await self.store.chats.close(changed.chat.id, "blocked")
        else:
            await self.store.chats.reopen(changed.chat.id)

    async def _tapped(self, update: Update, query: CallbackQuery) -> None:
        message, data = query.message, query.data or ""
        if message is None or message.chat.type != ChatType.PRIVATE:
            words = await self._words(query.from_user)
            await self._enqueue_answer(query, Reply(toast=words.plain("group.private_only")))
            return
        person = await self._person(update)
        walk = await self.walk_for(person)
        before = await self.store.inbox.tap_done(message.chat.id, message.message_id, data)
        if before is not None:
            await self._enqueue_answer(query, Reply(toast=before))
            return
        reply = await self._tap(walk, data)
        if await self.store.people.find(person.id) is None:
            await self._forgotten(message)
        else:
            if not reply.refused:  # what could not be done now may be asked for again by the same button
                await self.store.inbox.remember_tap(message.chat.id, message.message_id, data, reply.toast)
        await self._enqueue_answer(query, reply)
        await self._enqueue_all(message.chat.id, reply)

    async def _forgotten(self, message: MaybeInaccessibleMessage) -> None:
        """The last word goes where they tapped, so that no old button stays; delivery drops this slot afterwards."""
        shape = SlotShape.PHOTO if isinstance(message, Message) and message.photo else SlotShape.TEXT
        slot = Slot(message_id=message.message_id, shape=shape, buttons=True)
        await self.store.slots.put(message.chat.id, SCREEN, slot)

    async def _tap(self, walk: Walk, data: str) -> Reply:
        try:
            tap = Tap.read(data)
        except TapUnreadable:
            return Reply(toast=walk.words.plain("tap.unreadable"))
        return await journey.on_tap(walk, tap, BUTTONS[tap.verb])

    async def _heard_in_group(self, user: User, message: Message) -> None:
        """Only a command of ours is answered, and nothing is kept of who wrote."""
        if message.migrate_to_chat_id is not None:
            await self.store.chats.migrate(message.chat.id, message.migrate_to_chat_id)
        elif message.sender_chat is None and is_our_command(message):
            words = await self._words(user)
            await self._enqueue(message.chat.id, Notice(text=words("group.private_only")), Urgency.REPLY)

    async def _wrote(self, update: Update, message: Message) -> None:
        person = await self._person(update)
        walk = await self.walk_for(person)
        newest = Slot(message_id=message.message_id)
        await self.store.slots.put(message.chat.id, INCOMING, newest)
        before = walk.quest
        reply = await self._journey(walk, message)
        album = f"album:{message.chat.id}:{message.media_group_id}" if message.media_group_id else None
        await self._enqueue_all(message.chat.id, reply, album)
        if message.text is not None:
            answered = Answered.of(before, walk.quest, message.text[:LONGEST_TEXT])
            await remember(self.store, message.chat.id, message.message_id, answered)

    async def _edited(self, update: Update, message: Message) -> None:
        """A changed text of somebody known; what else may be edited (a caption, a place) is nothing to us."""
        person = await self.store.people.find(message.chat.id)
        if person is None or message.text is None or message.text.startswith("/"):
            return
        walk = await self.walk_for(await self._person(update))
        reply = await edited(walk, message.chat.id, message.message_id, message.text[:LONGEST_TEXT])
        await self._enqueue_all(message.chat.id, reply)

    async def _journey(self, walk: Walk, message: Message) -> Reply:
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

    async def _enqueue_answer(self, query: CallbackQuery, reply: Reply) -> None:
        answer = Answer(callback_query_id=query.id, text=reply.toast, alert=reply.alert)
        await self._enqueue(query.from_user.id, answer, Urgency.ANSWER)

    async def _enqueue_all(self, chat_id: int, reply: Reply, key: str | None = None) -> None:
        """With a `key` once, whatever comes under it later: pictures of one album come as messages of their own."""
        for number, shown in enumerate(reply.messages):
            await enqueue(self.store, chat_id, shown, Urgency.REPLY, f"{key}:{number}" if key else None)

    async def _enqueue(self, chat_id: int, message: Shown, urgency: Urgency) -> None:
        await enqueue(self.store, chat_id, message, urgency)


def is_our_command(message: Message) -> bool:
    """Whether a message of a group is a command that this bot has, addressed to it or to nobody."""
    found = COMMAND.match(message.text or "")
    if found is None or found["name"].lower() not in COMMANDS:
        return False
    return found["bot"] is None or found["bot"].lower() == message.get_bot().username.lower()


def language_of(user: User, otherwise: str) -> str:
    """The language of somebody's phone, if it is one of ours."""
    code = (user.language_code or "").split("-")[0].lower()
    return code if code in LANGUAGES else otherwise
