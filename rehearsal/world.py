"""The rehearsal's world: who is there, what was said, who may speak to whom. Knows no HTTP."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from rehearsal import answers
from rehearsal.entities import with_found
from rehearsal.events import Events
from rehearsal.faults import Weather
from rehearsal.polling import Updates
from rehearsal.records import BOT, Chat, ChatType, Message, Person, Standing
from rehearsal.refusals import Refusal, bad_request, forbidden
from rehearsal.scene import Scene
from rehearsal.tapped import Taps

CAST = (("Anna", "en"), ("Boris", "ru"), ("Min-jun", "ko"))


class World(Scene):
    """Everything that exists in one rehearsal, and what people and bot do to it."""

    def __init__(self, folder: Path, clock: Callable[[], float] = time.time) -> None:
        super().__init__(folder, clock)
        self.events = Events()
        self.weather = Weather(clock)
        self.updates = Updates(clock, next_id=int(clock()))
        self.taps = Taps(clock)
        self.calls: list[dict[str, Any]] = []
        self.dirty = asyncio.Event()

    def populate(self) -> None:
        """The three people and the group that a fresh rehearsal starts with."""
        people = [self.add_person(name, language) for name, language in CAST]
        self.add_group("Neon evening", [person.id for person in people], Standing.ADMINISTRATOR)

    def clear(self) -> None:
        """Forgets everything but the numbers, so that none comes twice."""
        for kept in (self.people, self.chats, self.messages, self.taps.known, self.files.known):
            kept.clear()
        self.updates.waiting = []
        self.weather.faults = []
        self.weather.buckets_on = False
        self.calls.clear()
        self.tell("people")

    def add_person(self, name: str, language_code: str) -> Person:
        """Somebody new, with a private chat in which nothing was said."""
        person = Person(self.next_person, name, language_code)
        self.next_person += 1
        self.people[person.id] = person
        self.add_chat(Chat(person.id, ChatType.PRIVATE, members=[person.id]))
        self.tell("people")
        return person

    def add_group(self, title: str, members: list[int], bot: Standing) -> Chat:
        """A group with the bot in it."""
        chat = Chat(self.next_group, ChatType.GROUP, title, members, bot)
        self.next_group -= 1
        self.add_chat(chat)
        self.tell("people")
        return chat

    def add_chat(self, chat: Chat) -> None:
        """Makes room for a chat."""
        self.chats[chat.id] = chat
        self.messages.setdefault(chat.id, {})

    def tell(self, kind: str, **facts: Any) -> None:
        """Publishes an event and marks the world for the next snapshot."""
        self.events.publish(kind, **facts)
        self.dirty.set()

    def tell_message(self, kind: str, message: Message) -> None:
        """Publishes a message as the page shows it."""
        self.tell(kind, message=answers.page_message(self, message))

    def chat_for_bot(self, chat_id: int | str) -> Chat:
        """The chat a call names, if the bot may speak there. Raises Refusal in Telegram's words."""
        chat = self.chat_known(chat_id)
        if chat.migrated_to is not None:
            raise Refusal(
                400,
                "Bad Request: group chat was upgraded to a supergroup chat",
                migrate_to_chat_id=chat.migrated_to,
            )
        if chat.type is ChatType.PRIVATE:
            person = self.people[chat.id]
            if person.blocked:
                raise forbidden("bot was blocked by the user")
            if not person.started:
                raise forbidden("bot can't initiate conversation with a user")
        elif chat.bot is Standing.KICKED:
            raise forbidden(f"bot was kicked from the {chat.type} chat")
        elif chat.bot is Standing.LEFT:
            raise forbidden(f"bot is not a member of the {chat.type} chat")
        return chat

    def chat_known(self, chat_id: int | str) -> Chat:
        """The chat a call names. Raises Refusal."""
        try:
            return self.chats[int(chat_id)]
        except (KeyError, ValueError) as error:
            raise bad_request("chat not found") from error

    def add_message(self, message: Message) -> Message:
        """Gives a message its number, shows it, and lets the bot know of what people wrote."""
        message.message_id = self.next_message
        self.next_message += 1
        if message.text and not message.entities:
            message.entities = with_found(message.text, [])
        self.messages[message.chat_id][message.message_id] = message
        self.tell_message("message", message)
        return message

    def drafted(self, chat_id: int, sender: int, **content: Any) -> Message:
        """A message of now, not yet numbered."""
        return Message(0, chat_id, sender, int(self.clock()), **content)

    def hear(self, message: Message) -> None:
        """A person's message: stored, and handed to the bot when privacy mode lets it through."""
        chat, person = self.chats[message.chat_id], self.people[message.sender]
        if chat.type is ChatType.PRIVATE:
            self.set_blocked(person, False)
            if not person.started:
                person.started = True
                self.tell("people")
        self.add_message(message)
        if self.bot_hears(chat, message):
            self.updates.add("message", answers.wire_message(self, message))

    def bot_hears(self, chat: Chat, message: Message) -> bool:
        """Privacy mode: in a group a plain member sees commands, replies to it, and service messages."""
        if chat.type is ChatType.PRIVATE or chat.bot is Standing.ADMINISTRATOR:
            return True
        if chat.bot in (Standing.LEFT, Standing.KICKED):
            return False
        replied = self.find(chat.id, message.reply_to)
        return (
            message.is_service
            or (message.text or "").startswith("/")
            or (replied is not None and replied.sender == BOT)
        )

    def set_blocked(self, person: Person, blocked: bool) -> None:
        """The person stops (or starts again) hearing the bot; the bot gets my_chat_member."""
        if person.blocked != blocked:
            person.blocked = blocked
            self.updates.add("my_chat_member", answers.membership(self, person, blocked))
            self.tell("people")

    def migrate(self, chat: Chat) -> Chat:
        """The group becomes a supergroup with another id; its messages stay behind, as they do in Telegram."""
        new = Chat(-1_000_000_000_000 + chat.id, ChatType.SUPERGROUP, chat.title, list(chat.members), chat.bot)
        self.add_chat(new)
        chat.migrated_to = new.id
        for body in answers.migration(self, chat, new):
            self.updates.add("message", body)
        self.tell("people")
        return new
