"""`python -m bench.crowd.bare REPLIES.json`: a plain python-telegram-bot bot with recorded replies, to compare with.

Written as its documentation shows: handlers, concurrent updates, state in memory, pictures sent again by file id.
It keeps nothing: no inbox, no outbox, no budgets, no quests.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

from telegram import InlineKeyboardButton, InlineKeyboardMarkup, InputMediaPhoto, Message, Update
from telegram.constants import ParseMode
from telegram.ext import Application, ApplicationBuilder, CallbackQueryHandler, CommandHandler, ContextTypes

Context = ContextTypes.DEFAULT_TYPE
Reply = dict[str, Any]


class Bare:
    """The bot's handlers over the recorded replies of each language."""

    def __init__(self, recorded: dict[str, list[Reply]], begins_again_at: int) -> None:
        self.recorded = recorded
        self.begins_again_at = begins_again_at
        self.steps: dict[int, int] = {}
        self.file_ids: dict[str, str] = {}

    async def start(self, update: Update, _context: Context) -> None:
        """The first screen."""
        assert update.effective_user is not None
        assert update.message is not None
        self.steps[update.effective_user.id] = 0
        reply = self.recorded[update.effective_user.language_code or "en"][0]
        await update.message.reply_text(reply["text"], parse_mode=ParseMode.HTML, reply_markup=keyboard(reply))

    async def tapped(self, update: Update, _context: Context) -> None:
        """The next screen: an answer to the tap, then the message edited or, where its kind changes, sent anew."""
        query = update.callback_query
        assert query is not None
        assert isinstance(query.message, Message)
        replies = self.recorded[query.from_user.language_code or "en"]
        step = self.steps[query.from_user.id] + 1
        self.steps[query.from_user.id] = step if step < len(replies) - 1 else self.begins_again_at
        reply = replies[step]
        await query.answer(reply["toast"] or None)
        if bool(query.message.photo) is not bool(reply["photo"]):
            await self.send(query.message, reply)
            await query.message.delete()
        elif reply["photo"]:
            media = InputMediaPhoto(self.photo(reply), caption=reply["text"], parse_mode=ParseMode.HTML)
            edited = await query.message.edit_media(media, reply_markup=keyboard(reply))
            self.remember(reply, edited)
        else:
            await query.message.edit_text(reply["text"], parse_mode=ParseMode.HTML, reply_markup=keyboard(reply))

    async def send(self, old: Message, reply: Reply) -> None:
        """A new message."""
        if not reply["photo"]:
            await old.chat.send_message(reply["text"], parse_mode=ParseMode.HTML, reply_markup=keyboard(reply))
            return
        sent = await old.chat.send_photo(
            self.photo(reply), caption=reply["text"], parse_mode=ParseMode.HTML, reply_markup=keyboard(reply)
        )
        self.remember(reply, sent)

    def photo(self, reply: Reply) -> str | bytes:
        """The file id, once there is one."""
        known = self.file_ids.get(reply["photo"])
        return known or Path(reply["photo"]).read_bytes()

    def remember(self, reply: Reply, message: Message | bool) -> None:
        """What Telegram calls the picture."""
        if isinstance(message, Message) and message.photo:
            self.file_ids[reply["photo"]] = message.photo[-1].file_id


def keyboard(reply: Reply) -> InlineKeyboardMarkup:
    """The recorded buttons."""
    rows = [[InlineKeyboardButton(label, callback_data=data) for label, data in row] for row in reply["rows"]]
    return InlineKeyboardMarkup(rows)


def main() -> None:
    """Polls until SIGTERM."""
    script = json.loads(Path(sys.argv[1]).read_text())
    bare = Bare(script["replies"], script["begins_again_at"])
    url = os.environ["TELEGRAM_API_URL"]
    application: Application[Any, Any, Any, Any, Any, Any] = (
        ApplicationBuilder()
        .token(os.environ["TELEGRAM_BOT_TOKEN"])
        .base_url(f"{url}/bot")
        .base_file_url(f"{url}/file/bot")
        .concurrent_updates(True)
        .build()
    )
    application.add_handler(CommandHandler("start", bare.start))
    application.add_handler(CallbackQueryHandler(bare.tapped))
    application.run_polling(allowed_updates=["message", "callback_query"])


if __name__ == "__main__":
    main()
