"""Pictures as Telegram takes them: by the id of an earlier upload, else drawn and uploaded. Writes nothing itself."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

import structlog
from telegram import Bot, Message
from telegram.error import TelegramError

from bot.screens import PictureSource
from bot.sheets.renderer import PictureNotDrawn, Renderer, is_everybodys, name_of
from bot.telegram.refusals import Part, verdict
from storage.store import Store
from storage.uploads import Upload

log = structlog.get_logger("pictures")

Media = str | bytes  # an id, or what is to be uploaded
Call = Callable[[list[Media]], Awaitable[Sequence[Message]]]


@dataclass(frozen=True)
class Sent:
    """The messages that now stand, and the uploads to remember."""

    messages: Sequence[Message]
    uploads: tuple[Upload, ...]


class Pictures:
    """The pictures of one bot."""

    def __init__(self, bot: Bot, store: Store, renderer: Renderer) -> None:
        self._bot_id = int(bot.token.partition(":")[0])  # ids are one bot's own, whatever its token is today
        self._store = store
        self._renderer = renderer

    async def send(self, chat_id: int, pictures: Sequence[PictureSource], call: Call, *, as_file: bool = False) -> Sent:
        """Makes the call with these pictures; those whose ids Telegram refuses are drawn and uploaded anew.

        `as_file`: as documents, for which the id of a photo is of no use.

        Raises PictureNotDrawn and telegram.error.TelegramError.
        """
        known = [
            None if as_file else await self._store.uploads.find(self._bot_id, name_of(picture)) for picture in pictures
        ]
        try:
            media = [file_id or await self._renderer.draw(p) for file_id, p in zip(known, pictures, strict=True)]
            messages = await call(media)
        except TelegramError as error:
            if not any(known) or verdict(error).part not in (Part.UPLOAD, Part.MEDIA):
                raise
            log.info("an upload is not known there any more; uploading anew")
            media = [await self._renderer.draw(picture) for picture in pictures]
            messages = await call(media)
        return Sent(messages, self._uploads(chat_id, pictures, media, messages))

    async def can_draw(self, picture: PictureSource) -> bool:
        """Whether the picture is there for Telegram; an album goes without those that are not."""
        if await self._store.uploads.find(self._bot_id, name_of(picture)) is not None:
            return True
        try:
            await self._renderer.draw(picture)
        except PictureNotDrawn as error:
            log.error("picture left out of an album", error=str(error))
            return False
        return True

    def _uploads(
        self, chat_id: int, pictures: Sequence[PictureSource], media: Sequence[Media], messages: Sequence[Message]
    ) -> tuple[Upload, ...]:
        return tuple(
            Upload(
                bot=self._bot_id,
                picture=name_of(picture),
                file_id=message.photo[-1].file_id,
                chat_id=None if is_everybodys(picture) else chat_id,
            )
            for picture, sent, message in zip(pictures, media, messages, strict=False)
            if isinstance(sent, bytes) and message.photo
        )
