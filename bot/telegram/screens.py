"""Screens in their slots: edited in place while they can be seen, else sent anew, and the old one put away.

Writes nothing: what stands for a slot afterwards is returned, so that the caller keeps it with the row that it ends.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import structlog
from telegram import Bot, InputMediaDocument, InputMediaPhoto, Message
from telegram.error import TelegramError

from bot.screens import SCREEN, PictureSource, Retire, Screen
from bot.telegram.delivered import Delivered
from bot.telegram.delivery_check import DeliveryCheck
from bot.telegram.fingerprint import Fingerprint
from bot.telegram.keyboard import keyboard
from bot.telegram.limits import CAPTION, TEXT, within
from bot.telegram.pictures import Media, Pictures
from bot.telegram.refusals import Meaning, Part, verdict
from bot.telegram.sending import HTML, NO_PREVIEW, Sending
from bot.telegram.slot_names import INCOMING
from storage.slots import Slot
from storage.states import SlotShape
from storage.store import Store
from storage.uploads import Upload

log = structlog.get_logger("calls")


class Screens:
    """Shows screens. Raises PictureNotDrawn and telegram.error.TelegramError."""

    def __init__(self, bot: Bot, store: Store, pictures: Pictures, sending: Sending) -> None:
        self._bot = bot
        self._store = store
        self._pictures = pictures
        self._sending = sending
        self._check = DeliveryCheck(bot, store)

    async def show(
        self, chat_id: int, screen: Screen, *, keep_picture: bool = False, may_have_arrived: bool = False
    ) -> Delivered:
        """Edits the slot's message in place, or sends a new one.

        `keep_picture` leaves the picture as it is; `may_have_arrived` looks first for what an earlier attempt sent.
        """
        shape = shape_of(screen)
        slot = await self._store.slots.find(chat_id, screen.slot)
        is_below = slot is not None and await self._is_below(chat_id, screen, slot)
        if slot is not None and slot.shape == shape and not screen.fresh and not is_below:
            try:
                return await self._edit(chat_id, screen, slot, keep_picture=keep_picture)
            except TelegramError as error:
                if verdict(error).part is not Part.PLACE:
                    raise
                slot = None  # it is gone
        arrived = await self._check.find(chat_id, screen) if may_have_arrived else None
        message_id, uploads = (arrived, ()) if arrived else await self._send(chat_id, screen)
        if slot is not None:
            # a message that the person has answered stays in the chat, without its buttons
            await self._put_away(chat_id, slot, delete=slot.shape != shape and not screen.fresh and not is_below)
        if screen.pinned:
            await self._pin(chat_id, message_id)
        slots: dict[str, Slot | None] = {screen.slot: _slot_of(screen, message_id, Fingerprint.of(screen))}
        return Delivered(message_id, slots, slot is not None, uploads)

    async def retire(self, chat_id: int, retire: Retire) -> Delivered:
        """Takes the buttons off a slot's message; from now on none stands for the slot."""
        slot = await self._store.slots.find(chat_id, retire.slot)
        if slot is None:
            return Delivered()
        await self._put_away(chat_id, slot, delete=False)
        return Delivered(None, {retire.slot: None})

    async def _is_below(self, chat_id: int, screen: Screen, slot: Slot) -> bool:
        """Whether the person wrote after the slot's message, so that an edit would be out of sight.

        A job's status stays where it began.
        """
        incoming = await self._store.slots.find(chat_id, INCOMING) if screen.slot == SCREEN else None
        return incoming is not None and incoming.message_id > slot.message_id

    async def _send(self, chat_id: int, screen: Screen) -> tuple[int, tuple[Upload, ...]]:
        markup = keyboard(screen.rows)
        if screen.picture is None:
            return await self._sending.text(chat_id, screen.text, markup), ()
        sent = await self._sending.picture(chat_id, screen.picture, screen.text, markup, as_file=screen.as_file)
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
        return Delivered(None, {screen.slot: _slot_of(screen, slot.message_id, after)}, uploads=uploads)

    async def _edit_what_changed(
        self, chat_id: int, screen: Screen, message_id: int, before: Fingerprint, after: Fingerprint
    ) -> tuple[Upload, ...]:
        if screen.picture is not None and after.picture != before.picture:
            return await self._edit_picture(chat_id, message_id, screen, screen.picture)
        what: dict[str, Any] = {"chat_id": chat_id, "message_id": message_id, "reply_markup": keyboard(screen.rows)}
        if after.text == before.text:
            await self._bot.edit_message_reply_markup(**what)
        elif screen.picture is not None:
            await self._bot.edit_message_caption(caption=within(screen.text, CAPTION), **what, **HTML)
        else:
            text = within(screen.text, TEXT)
            await self._bot.edit_message_text(text, link_preview_options=NO_PREVIEW, **what, **HTML)
        return ()

    async def _edit_picture(
        self, chat_id: int, message_id: int, screen: Screen, picture: PictureSource
    ) -> tuple[Upload, ...]:
        async def call(media: list[Media]) -> Sequence[Message]:
            kind = InputMediaDocument if screen.as_file else InputMediaPhoto
            photo = kind(media[0], caption=within(screen.text, CAPTION), filename="picture.jpg", **HTML)
            edited = await self._bot.edit_message_media(
                photo, chat_id=chat_id, message_id=message_id, reply_markup=keyboard(screen.rows)
            )
            return [edited] if isinstance(edited, Message) else []

        return (await self._pictures.send(chat_id, [picture], call, as_file=screen.as_file)).uploads

    async def _put_away(self, chat_id: int, slot: Slot, *, delete: bool) -> None:
        """The old message of a slot goes, or loses its buttons. It is out of date anyway, so this may fail."""
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


def shape_of(screen: Screen) -> SlotShape:
    """What kind of message shows this screen."""
    return SlotShape.PHOTO if screen.picture else SlotShape.TEXT


def _slot_of(screen: Screen, message_id: int, fingerprint: Fingerprint) -> Slot:
    return Slot(message_id=message_id, shape=shape_of(screen), fingerprint=str(fingerprint), buttons=bool(screen.rows))
