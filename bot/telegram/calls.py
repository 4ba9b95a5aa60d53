"""One message as calls of the Bot API: sent, or edited in place. Knows no order, budget or retries.

Writes nothing: what stands where afterwards is returned, so that the caller keeps it with the row that it ends.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import structlog
from telegram import (
    Bot,
    InlineKeyboardMarkup,
    InputFile,
    InputMediaDocument,
    InputMediaPhoto,
    LinkPreviewOptions,
    Message,
)
from telegram.constants import ChatAction, ParseMode
from telegram.error import TelegramError

from bot.rules.estimate import UPLOAD_BYTES
from bot.screens import Album, Document, Notice, PictureSource, Retire, Screen
from bot.sheets.renderer import Renderer
from bot.telegram.delivery_check import DeliveryCheck
from bot.telegram.fingerprint import Fingerprint
from bot.telegram.keyboard import keyboard
from bot.telegram.lesser import rest_of
from bot.telegram.limits import CAPTION, TEXT, within
from bot.telegram.pictures import Media, Pictures, Sent
from bot.telegram.refusals import Meaning, Part, verdict
from bot.telegram.slot_names import INCOMING
from storage.slots import Slot
from storage.states import SlotShape
from storage.store import Store
from storage.uploads import Upload

log = structlog.get_logger("calls")

NO_PREVIEW = LinkPreviewOptions(is_disabled=True)
ACTION_SECONDS = 4.0  # a chat action shows for five seconds at most


class TooLarge(Exception):
    """The file is larger than a bot may send."""


@dataclass(frozen=True)
class Delivered:
    """What stands in the chat now: the newest message of ours, and which message stands for a slot (None: none).

    `also_called`: an old message was put away, which counts against the chat's budget like another message; `uploads`:
    pictures that Telegram has from now on; `rest`: what is still to be sent of an album that goes apart.
    """

    newest: int | None = None
    slots: dict[str, Slot | None] = field(default_factory=dict)
    also_called: bool = False
    uploads: tuple[Upload, ...] = ()
    rest: Album | Notice | None = None


class Calls:
    """Puts screens, albums, documents and notices into chats. All raise telegram.error.TelegramError."""

    def __init__(self, bot: Bot, store: Store, renderer: Renderer) -> None:
        self._bot = bot
        self._store = store
        self._pictures = Pictures(bot, store, renderer)
        self._check = DeliveryCheck(bot, store)
        self._acted: dict[int, float] = {}

    async def screen(
        self,
        chat_id: int,
        screen: Screen,
        *,
        keep_picture: bool = False,
        follows: bool = True,
        may_have_arrived: bool = False,
    ) -> Delivered:
        """Shows a screen: edits the slot's message in place, or sends a new one.

        `keep_picture` leaves the picture as it is; `follows` sends anew when the person wrote after the slot's message;
        `may_have_arrived` looks first whether an earlier sending arrived.
        """
        slot = await self._store.slots.find(chat_id, screen.slot)
        shape = SlotShape.PHOTO if screen.picture else SlotShape.TEXT
        is_below = slot is not None and await self._is_below(chat_id, slot, follows)
        if slot is not None and slot.shape == shape and not screen.fresh and not is_below:
            try:
                return await self._edit(chat_id, screen, slot, keep_picture=keep_picture)
            except TelegramError as error:
                if verdict(error).part is not Part.PLACE:
                    raise
                slot = None  # it is gone
        found = await self._check.find(chat_id, screen) if may_have_arrived else None
        message_id, uploads = (found, ()) if found else await self._send(chat_id, screen)
        if slot is not None:
            # a message that the person has answered stays in the chat, without its buttons
            await self._put_away(chat_id, slot, delete=slot.shape != shape and not screen.fresh and not is_below)
        if screen.pinned:
            await self._pin(chat_id, message_id)
        standing: dict[str, Slot | None] = {screen.slot: _standing(screen, message_id, Fingerprint.of(screen))}
        return Delivered(message_id, standing, slot is not None, uploads)

    async def album(self, chat_id: int, album: Album, *, may_have_arrived: bool = False) -> Delivered:
        """2–10 pictures in one group; a single one goes as a photo. What cannot be drawn is left out."""
        found = await self._check.find(chat_id, album) if may_have_arrived else None
        if album.apart:
            first, uploads = (found, ()) if found else await self._send_first(chat_id, album)
            return Delivered(first, uploads=uploads, rest=rest_of(album))
        if found is not None:
            return Delivered(found + len(album.pictures) - 1)
        await self.says_uploading(chat_id)
        captions = [*album.captions, *([""] * len(album.pictures))]
        shown = [
            (picture, within(caption, CAPTION) or None)
            for picture, caption in zip(album.pictures, captions, strict=False)
            if await self._pictures.can_draw(picture)
        ]
        if not shown:
            return Delivered()
        sent = await self._pictures.send(
            chat_id, [picture for picture, _ in shown], lambda media: self._album(chat_id, media, [c for _, c in shown])
        )
        return Delivered(max(message.message_id for message in sent.messages), uploads=sent.uploads)

    async def _album(self, chat_id: int, media: list[Media], captions: list[str | None]) -> Sequence[Message]:
        html: dict[str, Any] = {"parse_mode": ParseMode.HTML}
        if len(media) == 1:
            return [await self._bot.send_photo(chat_id, media[0], caption=captions[0], **html)]
        items = [
            InputMediaPhoto(one, caption=caption, filename=f"{n}.jpg", **html)
            for n, (one, caption) in enumerate(zip(media, captions, strict=True), 1)
        ]
        return await self._bot.send_media_group(chat_id, items)

    async def _send_first(self, chat_id: int, album: Album) -> tuple[int, tuple[Upload, ...]]:
        """The first picture of an album that was refused as one."""
        caption = album.captions[0] if album.captions else ""

        async def call(media: list[Media]) -> Sequence[Message]:
            return [await self._send_picture(chat_id, media[0], caption, None, as_file=album.as_file)]

        sent = await self._pictures.send(chat_id, [album.pictures[0]], call, as_file=album.as_file)
        return sent.messages[0].message_id, sent.uploads

    async def _send_picture(
        self, chat_id: int, data: Media, caption: str, markup: InlineKeyboardMarkup | None, *, as_file: bool
    ) -> Message:
        """As a photo, or, where Telegram refuses that, as a file."""
        words: dict[str, Any] = {"caption": within(caption, CAPTION) or None, "parse_mode": ParseMode.HTML}
        words |= {"reply_markup": markup, "filename": "picture.jpg"}
        if as_file:
            return await self._bot.send_document(chat_id, data, **words)
        return await self._bot.send_photo(chat_id, data, **words)

    async def document(self, chat_id: int, document: Document, *, may_have_arrived: bool = False) -> Delivered:
        """A file in its original bytes. Raises TooLarge."""
        path = self._store.files.path(document.file)
        if (await asyncio.to_thread(path.stat)).st_size > UPLOAD_BYTES:
            raise TooLarge
        found = await self._check.find(chat_id, document) if may_have_arrived else None
        if found is not None:
            return Delivered(found)
        await self._acts(chat_id, ChatAction.UPLOAD_DOCUMENT)
        with await asyncio.to_thread(path.open, "rb") as handle:
            sent = await self._bot.send_document(
                chat_id,
                InputFile(handle, filename=document.filename, read_file_handle=False),
                caption=within(document.text, CAPTION) or None,
                parse_mode=ParseMode.HTML,
                disable_content_type_detection=True,
            )
        return Delivered(sent.message_id)

    async def notice(self, chat_id: int, notice: Notice, *, may_have_arrived: bool = False) -> Delivered:
        """A plain message."""
        found = await self._check.find(chat_id, notice) if may_have_arrived else None
        if found is not None:
            return Delivered(found)
        text = within(notice.text, TEXT)
        sent = await self._bot.send_message(chat_id, text, parse_mode=ParseMode.HTML, link_preview_options=NO_PREVIEW)
        return Delivered(sent.message_id)

    async def retire(self, chat_id: int, retire: Retire) -> Delivered:
        """Takes the buttons off a slot's message; from now on none stands for the slot."""
        slot = await self._store.slots.find(chat_id, retire.slot)
        if slot is None:
            return Delivered()
        await self._put_away(chat_id, slot, delete=False)
        return Delivered(None, {retire.slot: None})

    async def says_uploading(self, chat_id: int) -> None:
        """The person sees that a picture is on its way."""
        await self._acts(chat_id, ChatAction.UPLOAD_PHOTO)

    async def _is_below(self, chat_id: int, slot: Slot, follows: bool) -> bool:
        """Whether the person wrote after the slot's message, so that an edit would be out of sight."""
        incoming = await self._store.slots.find(chat_id, INCOMING) if follows else None
        return incoming is not None and incoming.message_id > slot.message_id

    async def _send(self, chat_id: int, screen: Screen) -> tuple[int, tuple[Upload, ...]]:
        markup = keyboard(screen.rows)
        if screen.picture is None:
            said = await self._bot.send_message(
                chat_id,
                within(screen.text, TEXT),
                parse_mode=ParseMode.HTML,
                reply_markup=markup,
                link_preview_options=NO_PREVIEW,
            )
            return said.message_id, ()

        async def call(media: list[Media]) -> Sequence[Message]:
            return [await self._send_picture(chat_id, media[0], screen.text, markup, as_file=screen.as_file)]

        sent = await self._pictures.send(chat_id, [screen.picture], call, as_file=screen.as_file)
        return sent.messages[0].message_id, sent.uploads

    async def _edit(self, chat_id: int, screen: Screen, slot: Slot, *, keep_picture: bool) -> Delivered:
        before, after = Fingerprint.read(slot.fingerprint), Fingerprint.of(screen)
        if keep_picture:
            after = Fingerprint(after.text, before.picture, after.rows)
        uploads: tuple[Upload, ...] = ()
        if after != before:
            try:
                uploads = await self._edit_what_changed(chat_id, screen, slot.message_id, before, after)
            except TelegramError as error:
                if verdict(error).meaning is not Meaning.DONE:
                    raise
        return Delivered(None, {screen.slot: _standing(screen, slot.message_id, after)}, uploads=uploads)

    async def _edit_what_changed(
        self, chat_id: int, screen: Screen, message_id: int, before: Fingerprint, after: Fingerprint
    ) -> tuple[Upload, ...]:
        markup = keyboard(screen.rows)
        where: dict[str, Any] = {"chat_id": chat_id, "message_id": message_id}
        words: dict[str, Any] = {"parse_mode": ParseMode.HTML}
        if screen.picture is not None and after.picture != before.picture:
            return (await self._edit_picture(chat_id, message_id, screen, screen.picture)).uploads
        if after.text == before.text:
            await self._bot.edit_message_reply_markup(reply_markup=markup, **where)
        elif screen.picture is not None:
            caption = within(screen.text, CAPTION)
            await self._bot.edit_message_caption(caption=caption, reply_markup=markup, **words, **where)
        else:
            text = within(screen.text, TEXT)
            await self._bot.edit_message_text(
                text, reply_markup=markup, link_preview_options=NO_PREVIEW, **words, **where
            )
        return ()

    async def _edit_picture(self, chat_id: int, message_id: int, screen: Screen, picture: PictureSource) -> Sent:
        async def call(media: list[Media]) -> Sequence[Message]:
            caption = within(screen.text, CAPTION)
            kind = InputMediaDocument if screen.as_file else InputMediaPhoto
            photo = kind(media[0], caption=caption, filename="picture.jpg", parse_mode=ParseMode.HTML)
            edited = await self._bot.edit_message_media(
                photo, chat_id=chat_id, message_id=message_id, reply_markup=keyboard(screen.rows)
            )
            return [edited] if isinstance(edited, Message) else []

        return await self._pictures.send(chat_id, [picture], call, as_file=screen.as_file)

    async def _put_away(self, chat_id: int, slot: Slot, *, delete: bool) -> None:
        """The old message of a slot goes, or loses its buttons. What stands there is stale anyway, so it may fail."""
        try:
            if delete:
                await self._bot.delete_message(chat_id, slot.message_id)
            elif slot.buttons:
                await self._bot.edit_message_reply_markup(chat_id=chat_id, message_id=slot.message_id)
        except TelegramError as error:
            log.debug("old message stays", error=type(error).__name__)

    async def _pin(self, chat_id: int, message_id: int) -> None:
        try:
            await self._bot.pin_chat_message(chat_id, message_id, disable_notification=True)
        except TelegramError as error:
            log.debug("not pinned", error=type(error).__name__)

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


def _standing(screen: Screen, message_id: int, fingerprint: Fingerprint) -> Slot:
    shape = SlotShape.PHOTO if screen.picture else SlotShape.TEXT
    return Slot(message_id=message_id, shape=shape, fingerprint=str(fingerprint), buttons=bool(screen.rows))
