"""From an update to the journey and back into the outbox: one transaction holds everything an update changes."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace

import structlog
from telegram import CallbackQuery, ChatMember, MaybeInaccessibleMessage, Message, Update
from telegram.constants import ChatType

from bot.admin import panel
from bot.screens import Answer, Notice, Reply, Screen
from bot.screens import Message as Shown
from bot.steps import journey
from bot.steps.walk import Walk
from bot.taps import Tap, TapUnreadable
from bot.telegram.doubt import INCOMING
from bot.words import LANGUAGES, Words
from storage.documents import dump
from storage.errors import CannotWrite
from storage.outbox import Slot
from storage.records import Person
from storage.states import SlotShape, Urgency
from storage.store import AGAIN_SECONDS, Store

log = structlog.get_logger("routes")
ATTEMPTS = 2  # a handler that fails twice fails for a reason of its own
SCREEN = "screen"  # the slot of where a person stands
LONGEST_TEXT = 20_000  # the journey says its own limits; this only bounds what is kept

WalkFor = Callable[[Person], Awaitable[Walk]]


@dataclass
class Routes:
    """Handles updates one after another."""

    store: Store
    walk_for: WalkFor
    language: str
    owed: Callable[[], None]  # called after messages were owed

    async def handle(self, update: Update) -> None:
        """Handles an update once, whole or not at all; what cannot be handled is answered with a sentence."""
        while await self.store.inbox.is_pending(update.update_id):
            try:
                async with self.store.write():
                    await self._route(update)
                    await self.store.inbox.done(update.update_id)
            except CannotWrite as error:  # nobody's fault and nobody's loss: the update waits for the disk
                log.warning("cannot write", why=str(error))
                await asyncio.sleep(AGAIN_SECONDS)
            except Exception:  # the next person's update must not suffer
                short_id = secrets.token_hex(3)
                log.exception("update not handled", update=update.update_id, short_id=short_id)
                if await self.store.inbox.attempted(update.update_id) >= ATTEMPTS:
                    await self._give_up(update, short_id)
        self.owed()

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
        person = await self._person(update)
        text = Words(person.language)("error.unexpected", id=short_id)
        if update.callback_query is not None:
            await self._owe_answer(update.callback_query, Reply())
        await self._owe(update.effective_chat.id, Notice(text=text), Urgency.REPLY)

    async def _route(self, update: Update) -> None:
        if update.my_chat_member is not None:
            await self._membership(update)
        elif update.effective_user is None or update.effective_user.is_bot or update.effective_chat is None:
            return
        elif update.callback_query is not None:
            await self._tapped(update, update.callback_query)
        elif update.message is not None:
            await self._wrote(update, update.message)

    async def _person(self, update: Update) -> Person:
        user, chat = update.effective_user, update.effective_chat
        assert user is not None
        assert chat is not None
        code = (user.language_code or "").split("-")[0].lower()
        language = code if code in LANGUAGES else self.language
        chat_id = chat.id if chat.type == ChatType.PRIVATE else user.id
        person = await self.store.people.meet(user.id, chat_id, language)
        if (await self.store.outbox.chat(chat_id)).closed is not None:
            await self.store.outbox.reopen_chat(chat_id)
        return person

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
            await self.store.outbox.close_chat(changed.chat.id, "blocked")
        else:
            await self.store.outbox.reopen_chat(changed.chat.id)

    async def _tapped(self, update: Update, query: CallbackQuery) -> None:
        person = await self._person(update)
        walk = await self.walk_for(person)
        message, data = query.message, query.data or ""
        if message is None or message.chat.type != ChatType.PRIVATE:
            await self._owe_answer(query, Reply(toast=walk.words.plain("group.private_only")))
            return
        before = await self.store.inbox.tap_done(message.chat.id, message.message_id, data)
        if before is not None:
            await self._owe_answer(query, Reply(toast=before))
            return
        reply = await self._tap(walk, data)
        if await self.store.people.find(person.id) is None:
            await self._forgotten(message)
        else:
            await self.store.inbox.remember_tap(message.chat.id, message.message_id, data, reply.toast)
        await self._owe_answer(query, reply)
        await self._owe_all(message.chat.id, reply)

    async def _forgotten(self, message: MaybeInaccessibleMessage) -> None:
        """The last word goes where they tapped, so that no old button stays; delivery drops this slot afterwards."""
        shape = SlotShape.PHOTO if isinstance(message, Message) and message.photo else SlotShape.TEXT
        slot = Slot(message_id=message.message_id, shape=shape, digest="", buttons=True)
        await self.store.outbox.set_slot(message.chat.id, SCREEN, slot)

    async def _tap(self, walk: Walk, data: str) -> Reply:
        try:
            tap = Tap.read(data)
        except TapUnreadable:
            return Reply(toast=walk.words.plain("tap.unreadable"))
        if tap.verb in panel.VERBS:
            return await panel.tapped(walk, tap) if panel.may(walk) else Reply(toast=walk.words.plain("tap.unreadable"))
        return await journey.tapped(walk, tap)

    async def _wrote(self, update: Update, message: Message) -> None:
        if message.migrate_to_chat_id is not None:
            await self.store.outbox.migrate_chat(message.chat.id, message.migrate_to_chat_id)
            return
        person = await self._person(update)
        walk = await self.walk_for(person)
        if message.chat.type != ChatType.PRIVATE:
            if message.text and message.text.startswith("/"):
                await self._owe(message.chat.id, Notice(text=walk.words("group.private_only")), Urgency.REPLY)
            return
        newest = Slot(message_id=message.message_id, shape=SlotShape.TEXT, digest="", buttons=False)
        await self.store.outbox.set_slot(message.chat.id, INCOMING, newest)
        reply = await self._journey(walk, message)
        await self._owe_all(message.chat.id, reply)

    async def _journey(self, walk: Walk, message: Message) -> Reply:
        text = (message.text or "")[:LONGEST_TEXT]
        if text.startswith("/"):
            name, _, argument = text[1:].partition(" ")
            name = name.partition("@")[0].lower()
            if name == "admin" and panel.may(walk):
                return await panel.show(walk)
            return await journey.command(walk, name, argument.strip())
        if message.text is not None:
            return await journey.wrote(walk, text)
        if message.effective_attachment is not None:
            return await journey.sent_file(walk)
        return Reply()  # somebody pinned a message, or the like

    async def _owe_answer(self, query: CallbackQuery, reply: Reply) -> None:
        answer = Answer(callback_query_id=query.id, text=reply.toast, alert=reply.alert)
        await self._owe(query.from_user.id, answer, Urgency.ANSWER)

    async def _owe_all(self, chat_id: int, reply: Reply) -> None:
        for shown in reply.shows:
            await self._owe(chat_id, shown, Urgency.REPLY)

    async def _owe(self, chat_id: int, message: Shown, urgency: Urgency) -> None:
        await owe(self.store, chat_id, message, urgency)


async def owe(store: Store, chat_id: int, message: Shown, urgency: Urgency, key: str | None = None) -> None:
    """Puts a message into the outbox; a screen drawn anew replaces older unsent drawings of its slot."""
    slot = message.slot if isinstance(message, Screen) else None
    is_fresh = isinstance(message, Screen) and message.fresh
    await store.outbox.owe(chat_id, dump(message), urgency=urgency, slot=slot, key=key, replaces=not is_fresh)
