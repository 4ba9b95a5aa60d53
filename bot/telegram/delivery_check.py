"""Whether a message whose sending was cut short has arrived. Telegram cannot be asked, but an edit tells.

An edit that would change nothing is refused as "not modified" only where the very message stands.
"""

from __future__ import annotations

from dataclasses import dataclass

from telegram import Bot
from telegram.constants import ParseMode
from telegram.error import TelegramError

from bot.screens import Album, Document, Notice, Screen
from bot.telegram.keyboard import keyboard
from bot.telegram.limits import CAPTION, TEXT, within
from bot.telegram.refusals import Meaning, verdict
from bot.telegram.slot_names import INCOMING, OUTGOING
from storage.store import Store

REACH = 12  # ids looked at after the newest known one; ids of one bot's chats are close when it is not busy


@dataclass(frozen=True)
class DeliveryCheck:
    """Looks for messages above those we know of."""

    bot: Bot
    store: Store

    async def find(self, chat_id: int, message: Screen | Album | Document | Notice) -> int | None:
        """The id of the message (of an album, its first picture) if it stands in the chat.

        Raises telegram.error.TelegramError when Telegram does not answer.
        """
        outgoing = await self.store.slots.find(chat_id, OUTGOING)
        incoming = await self.store.slots.find(chat_id, INCOMING)
        known = [slot.message_id for slot in (outgoing, incoming) if slot is not None]
        if not known:
            return None
        first = outgoing.message_id if outgoing else known[0]
        for message_id in range(first + 1, max(known) + 1 + REACH):
            if await self._stands(chat_id, message_id, message):
                return message_id
        return None

    async def _stands(self, chat_id: int, message_id: int, message: Screen | Album | Document | Notice) -> bool:
        try:
            await self._repeat(chat_id, message_id, message)
        except TelegramError as error:
            found = verdict(error)
            if found.meaning in (Meaning.PASSING, Meaning.OURS):
                raise  # it told nothing
            return found.meaning is Meaning.DONE
        return True  # it was ours and is now as it should be

    async def _repeat(self, chat_id: int, message_id: int, message: Screen | Album | Document | Notice) -> None:
        markup = keyboard(message.rows) if isinstance(message, Screen) else None
        if isinstance(message, Notice) or (isinstance(message, Screen) and message.picture is None):
            text = within(message.text, TEXT)
            await self.bot.edit_message_text(text, chat_id, message_id, parse_mode=ParseMode.HTML, reply_markup=markup)
            return
        caption = (message.captions or ("",))[0] if isinstance(message, Album) else message.text
        await self.bot.edit_message_caption(
            chat_id,
            message_id,
            caption=within(caption, CAPTION) or None,
            parse_mode=ParseMode.HTML,
            reply_markup=markup,
        )
