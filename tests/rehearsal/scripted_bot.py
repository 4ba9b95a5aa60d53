"""A small bot that plays a hunt and a curation, so that the page can be looked at without the product."""

from __future__ import annotations

import asyncio
import contextlib
import html
import io
import math
import random

from PIL import Image, ImageDraw
from telegram import (
    Bot,
    CallbackQuery,
    CopyTextButton,
    InlineKeyboardButton,
    InlineKeyboardMarkup,
    InputMediaPhoto,
    Message,
)
from telegram.error import NetworkError

HELLO = """I help you turn a style into a <b>seal</b>: a small file that paints in that style whenever you call it.

It takes about 20 minutes, mostly waiting, and you can leave at any point."""
COMMANDS = [
    ("start", "Begin or go on"),
    ("quests", "My quests"),
    ("queue", "Who is before me"),
    ("help", "How it works"),
]


def drawing(seed: int, side: int = 512) -> bytes:
    """A picture with something on it: rings of neon on dark, each seed another one."""
    chance = random.Random(seed)
    image = Image.new("RGB", (side, side), (14 + chance.randrange(12), 12, 30 + chance.randrange(20)))
    draw = ImageDraw.Draw(image, "RGBA")
    for ring in range(7):
        hue = f"hsl({(seed * 67 + ring * 23) % 360}, 90%, {48 + 4 * ring}%)"
        radius = side * (0.42 - 0.05 * ring)
        corners = 3 + (seed + ring) % 5
        turn = chance.random() * math.tau
        x, y = side * (0.5 + 0.06 * chance.uniform(-1, 1)), side * (0.5 + 0.06 * chance.uniform(-1, 1))
        angles = [turn + math.tau * corner / corners for corner in range(corners)]
        around = [(x + radius * math.cos(angle), y + radius * math.sin(angle)) for angle in angles]
        draw.line([*around, around[0]], fill=hue, width=side // 60, joint="curve")
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()


def keys(*rows: tuple[tuple[str, str, str], ...]) -> InlineKeyboardMarkup:
    """Rows of (label, data, style)."""
    return InlineKeyboardMarkup(
        [
            [InlineKeyboardButton(label, callback_data=data, style=style or None) for label, data, style in row]
            for row in rows
        ]
    )


PICKS = keys(
    tuple((str(n), f"hunt.pick:{n}:1", "primary" if n == 2 else "") for n in range(1, 5)),
    (("Four more", "hunt.more:1", ""), ("Stronger", "hunt.stronger:1", ""), ("Weaker", "hunt.weaker:1", "")),
)


class ScriptedBot:
    """Begins a quest on /start, hunts, then shows one candidate after the other."""

    def __init__(self, bot: Bot) -> None:
        self.bot = bot
        self.kept = 0
        self.seen = 0
        self.has_drawn = asyncio.Event()  # set by whoever has seen that it draws

    async def run(self) -> None:
        """Polls until cancelled."""
        await self.bot.set_my_commands(COMMANDS)
        await self.bot.set_my_description(
            "I help you turn a style into a seal: a small file that paints in that style."
        )
        offset = 0
        with contextlib.suppress(NetworkError):
            while True:
                for update in await self.bot.get_updates(offset=offset, timeout=20):
                    offset = update.update_id + 1
                    if update.callback_query:
                        await self.tapped(update.callback_query)
                    elif update.message:
                        await self.wrote(update.message)

    async def wrote(self, message: Message) -> None:
        """/start or any other text."""
        if message.text and message.text.startswith("/start"):
            sent = await self.bot.send_message(
                message.chat.id,
                HELLO,
                parse_mode="HTML",
                reply_markup=keys(
                    (("Begin a quest", "quest.new:0", "primary"),),
                    (("See a finished one", "quest.example:0", ""), ("Language", "language.open:0", "")),
                ),
            )
            await self.bot.pin_chat_message(message.chat.id, sent.message_id)
        else:
            heard = html.escape(message.text or "a file")
            await self.bot.send_message(message.chat.id, f"I heard <i>{heard}</i>.", parse_mode="HTML")

    async def tapped(self, query: CallbackQuery) -> None:
        """Goes to the next screen."""
        assert query.message
        assert query.data
        verb, chat = query.data.split(":")[0], query.message.chat.id
        if verb == "quest.new":
            await query.answer()
            await self.hunts(chat)
        elif verb == "hunt.pick":
            await query.answer(f"Seed {query.data.split(':')[1]} it is")
            await self.card(chat, None)
        elif verb.startswith("curate."):
            await self.judges(query, verb)
        else:
            await query.answer("This is only a rehearsal of a rehearsal, so nothing happens here.", show_alert=True)

    async def hunts(self, chat: int) -> None:
        """Typing, an album of four, and one message with its buttons."""
        await self.bot.send_chat_action(chat, "upload_photo")
        await self.has_drawn.wait()
        await self.bot.send_media_group(chat, [InputMediaPhoto(drawing(seed)) for seed in (3, 8, 21, 34)])
        await self.bot.send_message(
            chat, "Which of them is the style you meant? Its seed will be the start of everything.", reply_markup=PICKS
        )

    async def judges(self, query: CallbackQuery, verb: str) -> None:
        """Counts, and turns to the next card."""
        assert query.message
        self.kept += verb == "curate.keep"
        self.seen += 1
        await query.answer("Kept" if verb == "curate.keep" else "Rejected")
        await self.card(query.message.chat.id, query.message.message_id)

    async def card(self, chat: int, message_id: int | None) -> None:
        """The candidate, as a new message or in place."""
        n = self.seen + 1
        caption = (
            f"<b>{n}</b> of 48 · kept {self.kept} (want 15–20) · close to your style {'●' * (5 - n % 3)}{'○' * (n % 3)}"
        )
        markup = keys(
            (("Reject", f"curate.reject:{n}:1", "danger"), ("Keep", f"curate.keep:{n}:1", "success")),
            (("Undo", "curate.undo:1", ""), ("Sheet", "curate.sheet:1", ""), ("Done", "curate.done:1", "")),
        )
        row = [InlineKeyboardButton("seed 8231 · Euler · 20 steps", copy_text=CopyTextButton("8231"))]
        markup = InlineKeyboardMarkup([*markup.inline_keyboard, row])
        if message_id is None:
            await self.bot.send_photo(chat, drawing(100 + n), caption=caption, parse_mode="HTML", reply_markup=markup)
        else:
            media = InputMediaPhoto(drawing(100 + n), caption=caption, parse_mode="HTML")
            await self.bot.edit_message_media(media, chat, message_id, reply_markup=markup)
