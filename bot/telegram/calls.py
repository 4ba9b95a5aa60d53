"""One pending message as calls of the Bot API: sent, or edited in place. Knows no order, budget or retries.

Writes nothing: what is in the chat afterwards is returned, so that the caller keeps it with the row that it ends.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from functools import partial

import structlog
from telegram import Bot

from bot.rules.estimate import UPLOAD_BYTES
from bot.screens import Album, Document, Message, Notice, Retire, Screen
from bot.sheets.renderer import PictureNotDrawn, Renderer
from bot.telegram.delivered import Delivered
from bot.telegram.delivery_check import DeliveryCheck
from bot.telegram.lesser import rest_of
from bot.telegram.pictures import Pictures
from bot.telegram.screens import Screens
from bot.telegram.sending import Sending
from bot.words import LANGUAGES, Words
from storage.errors import StorageError
from storage.outbox import Pending
from storage.store import Store
from storage.uploads import Upload

log = structlog.get_logger("calls")


class TooLarge(Exception):
    """The file is larger than a bot may send."""


class Calls:
    """Puts messages into chats; looks first for what an earlier attempt may have sent."""

    def __init__(self, bot: Bot, store: Store, renderer: Renderer) -> None:
        self._store = store
        pictures = Pictures(bot, store, renderer)
        self._sending = Sending(bot, pictures)
        self._screens = Screens(bot, store, pictures, self._sending)
        self._check = DeliveryCheck(bot, store)

    async def make(self, pending: Pending, message: Message, *, keep_picture: bool) -> Delivered:
        """Sends or edits; `keep_picture` leaves the picture of a screen as it is.

        Raises telegram.error.TelegramError, PictureNotDrawn.
        """
        delivered = Delivered()  # of an answer: those go their own way
        if isinstance(message, Screen):
            delivered = await self._screen(pending, message, keep_picture)
        elif isinstance(message, Album):
            delivered = await self._album(pending, message)
        elif isinstance(message, Document):
            delivered = await self._document(pending, message)
        elif isinstance(message, Notice):
            arrived = await self._arrived(pending, message)
            delivered = Delivered(arrived or await self._sending.text(pending.chat_id, message.text))
        elif isinstance(message, Retire):
            delivered = await self._screens.retire(pending.chat_id, message)
        return delivered

    async def _arrived(self, pending: Pending, message: Album | Document | Notice) -> int | None:
        return await self._check.find(pending.chat_id, message) if pending.was_sending else None

    async def _screen(self, pending: Pending, screen: Screen, keep_picture: bool) -> Delivered:
        show = partial(
            self._screens.show, pending.chat_id, keep_picture=keep_picture, may_have_arrived=pending.was_sending
        )
        try:
            return await show(screen)
        except PictureNotDrawn as error:
            log.error("screen goes without its picture", error=str(error))
            return await show(replace(screen, picture=None))

    async def _album(self, pending: Pending, album: Album) -> Delivered:
        arrived = await self._arrived(pending, album)
        if album.apart:
            first, uploads = (arrived, ()) if arrived else await self._first(pending.chat_id, album)
            return Delivered(first, uploads=uploads, rest=rest_of(album))
        if arrived is not None:
            return Delivered(arrived + len(album.pictures) - 1)
        sent = await self._sending.album(pending.chat_id, album)
        return Delivered(max((message.message_id for message in sent.messages), default=None), uploads=sent.uploads)

    async def _first(self, chat_id: int, album: Album) -> tuple[int, tuple[Upload, ...]]:
        """The first picture of an album that was refused as one."""
        caption = album.captions[0] if album.captions else ""
        sent = await self._sending.picture(chat_id, album.pictures[0], caption, as_file=album.as_file)
        return sent.messages[0].message_id, sent.uploads

    async def _document(self, pending: Pending, document: Document) -> Delivered:
        """A file, or a sentence in its place."""
        try:
            return Delivered(await self._file(pending, document))
        except TooLarge:
            key = "document.too_large"
        except (StorageError, OSError) as error:
            log.error("document is gone", error=type(error).__name__)
            key = "document.gone"
        person = await self._store.people.find(pending.chat_id)
        words = Words(person.language if person else LANGUAGES[0])
        return Delivered(await self._sending.text(pending.chat_id, words(key, name=document.filename)))

    async def _file(self, pending: Pending, document: Document) -> int:
        path = self._store.files.path(document.file)
        if (await asyncio.to_thread(path.stat)).st_size > UPLOAD_BYTES:
            raise TooLarge
        return await self._arrived(pending, document) or await self._sending.document(pending.chat_id, path, document)
