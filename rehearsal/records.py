"""What exists in the rehearsal chat: people, chats, messages, files, taps. Plain data that goes to and from JSON."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

BOT = 0  # sender of the bot's own messages; people have positive numbers


class ChatType(StrEnum):
    """The kinds of chats that the rehearsal has."""

    PRIVATE = "private"
    GROUP = "group"
    SUPERGROUP = "supergroup"


class Standing(StrEnum):
    """What the bot is in a chat."""

    MEMBER = "member"
    ADMINISTRATOR = "administrator"
    LEFT = "left"
    KICKED = "kicked"


@dataclass
class Person:
    """Somebody who chats."""

    id: int
    name: str
    language_code: str
    started: bool = False  # a bot cannot write first
    blocked: bool = False


@dataclass
class Chat:
    """A private chat (its id is the person's) or a group."""

    id: int
    type: ChatType
    title: str = ""
    members: list[int] = field(default_factory=list)  # the first one is the owner
    bot: Standing = Standing.MEMBER
    pinned: list[int] = field(default_factory=list)  # message ids, newest last
    migrated_to: int | None = None


@dataclass
class Message:
    """One message as both sides see it. Entities and buttons are Bot API objects."""

    message_id: int
    chat_id: int
    sender: int
    date: int  # unix seconds
    edit_date: int | None = None
    text: str | None = None
    entities: list[dict[str, Any]] = field(default_factory=list)  # of the text or the caption
    caption: str | None = None
    photo: list[str] = field(default_factory=list)  # file ids, smallest first
    document: str | None = None  # file id
    media_group_id: str | None = None
    reply_to: int | None = None
    reply_markup: dict[str, Any] | None = None
    pinned_message: int | None = None  # a service message: this one was pinned
    joined: list[int] = field(default_factory=list)  # a service message: these came in
    reactions: list[str] = field(default_factory=list)

    @property
    def has_media(self) -> bool:
        """Whether its words are a caption."""
        return bool(self.photo or self.document)

    @property
    def is_service(self) -> bool:
        """Whether nobody wrote it."""
        return self.pinned_message is not None or bool(self.joined)


@dataclass
class StoredFile:
    """Bytes that were sent, kept in the folder under `unique_id`."""

    file_id: str
    unique_id: str
    size: int
    name: str = ""
    mime: str = ""
    width: int = 0
    height: int = 0
    photo: list[str] = field(default_factory=list)  # all sizes of the photo it belongs to; empty for a document


@dataclass
class TapRecord:
    """A press on a button, waiting for the bot's answer."""

    id: str
    person: int
    chat_id: int
    message_id: int
    data: str
    at: float  # unix seconds
    answered_at: float | None = None
    text: str = ""
    alert: bool = False
