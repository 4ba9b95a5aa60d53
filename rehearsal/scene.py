"""What there is to see in a rehearsal: people, chats, messages, files, the bot's profile. Holds; decides nothing."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from rehearsal.files import Files
from rehearsal.profile import Profile
from rehearsal.records import Chat, Message, Person

FIRST_PERSON = 7001  # well apart from message numbers, so that a mix-up is seen
FIRST_GROUP = -4001
MESSAGES_START = (
    1_780_000_000  # a fresh world's message numbers are the seconds since then (May 2026): never lower again
)


class Scene:
    """The things of one rehearsal by their numbers, and the next numbers."""

    def __init__(self, folder: Path, clock: Callable[[], float] = time.time) -> None:
        self.folder = folder
        self.clock = clock
        self.files = Files(folder / "files")
        self.profile = Profile()
        self.people: dict[int, Person] = {}
        self.chats: dict[int, Chat] = {}
        self.messages: dict[int, dict[int, Message]] = {}  # chat → message id → message
        self.next_message = max(1, int(clock()) - MESSAGES_START)
        self.next_person = FIRST_PERSON
        self.next_group = FIRST_GROUP

    def find(self, chat_id: int, message_id: int | None) -> Message | None:
        """A message that was not deleted."""
        return self.messages[chat_id].get(message_id or 0)
