"""From an update to whoever handles it: one transaction holds everything an update changes."""

from __future__ import annotations

import asyncio
import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass, replace

import structlog
from telegram import CallbackQuery, ChatMember, ChatMemberUpdated, Message, Update, User
from telegram.constants import ChatType

from bot.screens import Notice, Reply
from bot.telegram.language import words_for
from bot.telegram.outgoing import enqueue, enqueue_answer
from bot.telegram.private_chat import PrivateChat
from bot.telegram.profile import COMMANDS
from bot.walks import WalkFor
from storage.errors import CannotWrite
from storage.states import Urgency
from storage.store import AGAIN_SECONDS, Store

log = structlog.get_logger("routes")
ATTEMPTS = 2  # a handler that fails twice fails for a reason of its own
COMMAND = re.compile(r"/(?P<name>\w+)(?:@(?P<bot>\w+))?(?:\s|$)", re.ASCII)


@dataclass
class Routes:
    """Handles updates one after another."""

    store: Store
    walk_for: WalkFor
    language: str
    wake: Callable[[], None]  # called after messages were enqueued

    def __post_init__(self) -> None:
        self._private = PrivateChat(self.store, self.walk_for, self.language)

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
        words = await words_for(self.store, update.effective_user, self.language)
        if update.callback_query is not None:
            await enqueue_answer(self.store, update.callback_query, Reply())
        notice = Notice(text=words("error.unexpected", id=short_id))
        await enqueue(self.store, update.effective_chat.id, notice, Urgency.REPLY)

    async def _route(self, update: Update) -> None:
        user, chat, message = update.effective_user, update.effective_chat, update.message
        if update.my_chat_member is not None:
            await self._on_membership(update.my_chat_member)
        elif user is None or user.is_bot or chat is None:
            return
        elif update.callback_query is not None:
            await self._on_tap(update.callback_query)
        elif message is not None and message.chat.type != ChatType.PRIVATE:
            await self._on_group_message(user, message)
        elif message is not None:
            await self._private.on_message(user, message)
        elif update.edited_message is not None and update.edited_message.chat.type == ChatType.PRIVATE:
            await self._private.on_edit(user, update.edited_message)

    async def _on_membership(self, changed: ChatMemberUpdated) -> None:
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

    async def _on_tap(self, query: CallbackQuery) -> None:
        if query.message is not None and query.message.chat.type == ChatType.PRIVATE:
            await self._private.on_tap(query, query.message)
            return
        words = await words_for(self.store, query.from_user, self.language)
        await enqueue_answer(self.store, query, Reply(toast=words.plain("group.private_only")))

    async def _on_group_message(self, user: User, message: Message) -> None:
        """Only a command of ours is answered, and nothing is kept of who wrote."""
        if message.migrate_to_chat_id is not None:
            await self.store.chats.migrate(message.chat.id, message.migrate_to_chat_id)
        elif message.sender_chat is None and is_our_command(message):
            words = await words_for(self.store, user, self.language)
            notice = Notice(text=words("group.private_only"))
            await enqueue(self.store, message.chat.id, notice, Urgency.REPLY)


def is_our_command(message: Message) -> bool:
    """Whether a message of a group is a command that this bot has, addressed to it or to nobody."""
    command = COMMAND.match(message.text or "")
    if command is None or command["name"].lower() not in COMMANDS:
        return False
    return command["bot"] is None or command["bot"].lower() == message.get_bot().username.lower()
