"""New messages, as calls of the Bot API: words, a picture, an album, a file. Knows no slots."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import structlog
from telegram import Bot, InlineKeyboardMarkup, InputFile, InputMediaPhoto, LinkPreviewOptions, Message
from telegram.constants import ChatAction, ParseMode
from telegram.error import TelegramError

from bot.screens import Album, Document, PictureSource
from bot.telegram.limits import CAPTION, TEXT, within
from bot.telegram.pictures import Media, Pictures, Sent

log = structlog.get_logger("calls")

NO_PREVIEW = LinkPreviewOptions(is_disabled=True)
HTML: dict[str, Any] = {"parse_mode": ParseMode.HTML}
ACTION_SECONDS = 4.0  # a chat action shows for five seconds at most


class Sending:
    """Sends to any chat. All but the chat actions raise telegram.error.TelegramError."""

    def __init__(self, bot: Bot, pictures: Pictures) -> None:
        self._bot = bot
        self._pictures = pictures
        self._acted: dict[int, float] = {}

    async def text(self, chat_id: int, text: str, markup: InlineKeyboardMarkup | None = None) -> int:
        """Words; returns the message's id."""
        sent = await self._bot.send_message(
            chat_id, within(text, TEXT), reply_markup=markup, link_preview_options=NO_PREVIEW, **HTML
        )
        return sent.message_id

    async def picture(
        self,
        chat_id: int,
        picture: PictureSource,
        caption: str,
        markup: InlineKeyboardMarkup | None = None,
        *,
        as_file: bool,
    ) -> Sent:
        """A photo, or, where Telegram refuses that, a file. Raises PictureNotDrawn."""
        words = {"caption": within(caption, CAPTION) or None, "reply_markup": markup, "filename": "picture.jpg", **HTML}

        async def call(media: list[Media]) -> Sequence[Message]:
            send = self._bot.send_document if as_file else self._bot.send_photo
            return [await send(chat_id, media[0], **words)]

        return await self._pictures.send(chat_id, [picture], call, as_file=as_file)

    async def album(self, chat_id: int, album: Album) -> Sent:
        """2–10 pictures in one group; a single one goes as a photo. What cannot be drawn is left out."""
        await self._acts(chat_id, ChatAction.UPLOAD_PHOTO)
        captions = [*album.captions, *([""] * len(album.pictures))]
        shown = [
            (picture, within(caption, CAPTION) or None)
            for picture, caption in zip(album.pictures, captions, strict=False)
            if await self._pictures.can_draw(picture)
        ]
        if not shown:
            return Sent((), ())

        async def call(media: list[Media]) -> Sequence[Message]:
            return await self._group(chat_id, media, [caption for _, caption in shown])

        return await self._pictures.send(chat_id, [picture for picture, _ in shown], call)

    async def _group(self, chat_id: int, media: list[Media], captions: list[str | None]) -> Sequence[Message]:
        if len(media) == 1:
            return [await self._bot.send_photo(chat_id, media[0], caption=captions[0], **HTML)]
        items = [
            InputMediaPhoto(picture, caption=caption, filename=f"{n}.jpg", **HTML)
            for n, (picture, caption) in enumerate(zip(media, captions, strict=True), 1)
        ]
        return await self._bot.send_media_group(chat_id, items)

    async def document(self, chat_id: int, path: Path, document: Document) -> int:
        """A file in its original bytes; returns the message's id. Raises OSError."""
        await self._acts(chat_id, ChatAction.UPLOAD_DOCUMENT)
        with await asyncio.to_thread(path.open, "rb") as handle:
            sent = await self._bot.send_document(
                chat_id,
                InputFile(handle, filename=document.filename, read_file_handle=False),
                caption=within(document.text, CAPTION) or None,
                disable_content_type_detection=True,
                **HTML,
            )
        return sent.message_id

    async def _acts(self, chat_id: int, action: ChatAction) -> None:
        """Whether it shows does not matter; more often than it fades would only cost the chat's budget."""
        now = time.monotonic()
        if now - self._acted.get(chat_id, float("-inf")) < ACTION_SECONDS:
            return
        self._acted[chat_id] = now
        try:
            await self._bot.send_chat_action(chat_id, action)
        except TelegramError as error:
            log.debug("no action shown", error=type(error).__name__)
