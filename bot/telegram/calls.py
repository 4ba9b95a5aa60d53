"""One owed message as calls of the Bot API: sent, or edited in place. Knows no order, budget or retries."""

from __future__ import annotations

import asyncio
import hashlib
from dataclasses import dataclass
from typing import Any

from telegram import Bot, InputFile, InputMediaPhoto, LinkPreviewOptions
from telegram.constants import ChatAction, ParseMode
from telegram.error import BadRequest, TelegramError

from bot.screens import Album, Asset, Document, Notice, PictureSource, Retire, Screen
from bot.sheets.rendering import render
from bot.telegram.keyboard import keyboard
from storage.documents import dump
from storage.failpoints import reach
from storage.outbox import Slot
from storage.store import Store

INCOMING = "incoming"  # the slot that remembers the person's newest message
NO_PREVIEW = LinkPreviewOptions(is_disabled=True)
GONE = ("message to edit not found", "message can't be edited", "message_id_invalid", "message to delete not found")


@dataclass(frozen=True)
class Digest:
    """Fingerprints of a screen's parts, so that only what changed is sent."""

    text: str
    picture: str
    rows: str

    @classmethod
    def of(cls, screen: Screen) -> Digest:
        """Of a screen as data."""
        picture = dump(screen.picture, PictureSource) if screen.picture else ""
        return cls(_short(screen.text), _short(picture), _short(repr(screen.rows)))

    @classmethod
    def read(cls, text: str) -> Digest:
        """What `str()` wrote."""
        text_part, picture, rows = [*text.split(":"), "", "", ""][:3]
        return cls(text_part, picture, rows)

    def __str__(self) -> str:
        return f"{self.text}:{self.picture}:{self.rows}"


class Calls:
    """Puts screens, albums, documents and notices into chats."""

    def __init__(self, bot: Bot, store: Store) -> None:
        self._bot = bot
        self._store = store

    async def screen(self, chat_id: int, screen: Screen, *, keep_picture: bool = False, follows: bool = True) -> None:
        """Shows a screen: edits the slot's message in place, or sends a new one.

        `keep_picture` leaves the picture as it is; `follows` sends anew when the person wrote after the slot's message.
        Raises telegram.error.TelegramError.
        """
        slot = await self._store.outbox.slot(chat_id, screen.slot)
        shape = "photo" if screen.picture else "text"
        fresh = screen.fresh or slot is None or slot.shape != shape
        if slot and follows and not fresh:
            incoming = await self._store.outbox.slot(chat_id, INCOMING)
            fresh = incoming is not None and incoming.message_id > slot.message_id
        if not fresh and slot is not None:
            try:
                await self._edit(chat_id, screen, slot, keep_picture=keep_picture)
            except BadRequest as error:
                if not any(words in str(error).lower() for words in GONE):
                    raise
                await self._send(chat_id, screen)
            return
        await self._send(chat_id, screen)
        if slot is not None:
            await self._put_away(chat_id, slot, delete=slot.shape != shape and not screen.fresh)

    async def album(self, chat_id: int, album: Album) -> None:
        """2–10 pictures in one group; a single one goes as a photo."""
        await self.says_uploading(chat_id)
        files = [await self._rendered(picture) for picture in album.pictures]
        captions = [*album.captions, *([""] * len(files))]
        if len(files) == 1:
            await self._bot.send_photo(chat_id, files[0], caption=captions[0] or None, parse_mode=ParseMode.HTML)
            return
        media = [
            InputMediaPhoto(file, caption=caption or None, parse_mode=ParseMode.HTML, filename=f"{number}.jpg")
            for number, (file, caption) in enumerate(zip(files, captions, strict=False), 1)
        ]
        await self._bot.send_media_group(chat_id, media)

    async def document(self, chat_id: int, document: Document) -> None:
        """A file in its original bytes."""
        path = self._store.files.path(document.file)
        with await asyncio.to_thread(path.open, "rb") as handle:
            await self._bot.send_document(
                chat_id,
                InputFile(handle, filename=document.filename, read_file_handle=False),
                caption=document.text or None,
                parse_mode=ParseMode.HTML,
                disable_content_type_detection=True,
            )

    async def notice(self, chat_id: int, notice: Notice) -> None:
        """A plain message."""
        await self._bot.send_message(chat_id, notice.text, parse_mode=ParseMode.HTML, link_preview_options=NO_PREVIEW)

    async def retire(self, chat_id: int, retire: Retire) -> None:
        """Takes the buttons off a slot's message; from now on none stands for the slot."""
        slot = await self._store.outbox.slot(chat_id, retire.slot)
        if slot is not None:
            await self._put_away(chat_id, slot, delete=False)
            await self._store.outbox.drop_slot(chat_id, retire.slot)

    async def says_uploading(self, chat_id: int) -> None:
        """The person sees that a picture is on its way; whether that works does not matter."""
        try:
            await self._bot.send_chat_action(chat_id, ChatAction.UPLOAD_PHOTO)
        except TelegramError:
            return

    async def _send(self, chat_id: int, screen: Screen) -> None:
        markup = keyboard(screen.rows)
        if screen.picture is None:
            sent = await self._bot.send_message(
                chat_id,
                screen.text,
                parse_mode=ParseMode.HTML,
                reply_markup=markup,
                link_preview_options=NO_PREVIEW,
            )
        else:
            sent = await self._bot.send_photo(
                chat_id,
                await self._rendered(screen.picture),
                caption=screen.text,
                parse_mode=ParseMode.HTML,
                reply_markup=markup,
                filename="picture.jpg",
            )
        reach("send-accepted")
        await self._stands(chat_id, screen, sent.message_id, str(Digest.of(screen)))
        if screen.pinned:
            await self._pin(chat_id, sent.message_id)

    async def _edit(self, chat_id: int, screen: Screen, slot: Slot, *, keep_picture: bool) -> None:
        before, after = Digest.read(slot.digest), Digest.of(screen)
        if keep_picture:
            after = Digest(after.text, before.picture, after.rows)
        if after == before:
            return
        try:
            await self._edit_what_changed(chat_id, screen, slot.message_id, before, after)
        except BadRequest as error:
            if "not modified" not in str(error).lower():
                raise
        await self._stands(chat_id, screen, slot.message_id, str(after))

    async def _edit_what_changed(
        self, chat_id: int, screen: Screen, message_id: int, before: Digest, after: Digest
    ) -> None:
        markup = keyboard(screen.rows)
        where: dict[str, Any] = {"chat_id": chat_id, "message_id": message_id}
        if screen.picture is not None and after.picture != before.picture:
            photo = await self._rendered(screen.picture)
            media = InputMediaPhoto(photo, caption=screen.text, parse_mode=ParseMode.HTML, filename="picture.jpg")
            await self._bot.edit_message_media(media, reply_markup=markup, **where)
        elif after.text == before.text:
            await self._bot.edit_message_reply_markup(reply_markup=markup, **where)
        elif screen.picture is not None:
            await self._bot.edit_message_caption(
                caption=screen.text, parse_mode=ParseMode.HTML, reply_markup=markup, **where
            )
        else:
            await self._bot.edit_message_text(
                screen.text, parse_mode=ParseMode.HTML, reply_markup=markup, link_preview_options=NO_PREVIEW, **where
            )

    async def _stands(self, chat_id: int, screen: Screen, message_id: int, digest: str) -> None:
        shape = "photo" if screen.picture else "text"
        slot = Slot(message_id=message_id, shape=shape, digest=digest, buttons=bool(screen.rows))
        await self._store.outbox.set_slot(chat_id, screen.slot, slot)

    async def _put_away(self, chat_id: int, slot: Slot, *, delete: bool) -> None:
        """The old message of a slot goes, or loses its buttons. It may be gone already; that is as good."""
        try:
            if delete:
                await self._bot.delete_message(chat_id, slot.message_id)
            elif slot.buttons:
                await self._bot.edit_message_reply_markup(chat_id=chat_id, message_id=slot.message_id)
        except BadRequest:
            return

    async def _pin(self, chat_id: int, message_id: int) -> None:
        try:
            await self._bot.pin_chat_message(chat_id, message_id, disable_notification=True)
        except BadRequest:
            return

    async def _rendered(self, picture: PictureSource) -> bytes:
        return await asyncio.to_thread(render, picture, self._store.files.folder.read)


def is_ready_made(picture: PictureSource | None) -> bool:
    """Whether a picture needs no drawing worth mentioning."""
    return picture is None or isinstance(picture, Asset)


def _short(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:12]
