"""Telegram's sizes, and what does not fit made to fit. A message a little shorter is better than none."""

from __future__ import annotations

import html
import re

from bot.rules.lengths import ELLIPSIS, cut, units

TEXT, CAPTION, TOAST = 4096, 1024, 200  # Bot API: characters after parsing entities
TAG = re.compile(r"<[^>]*>")


def within(text: str, limit: int) -> str:
    """The HTML as it is when it fits; else its plain words, cut and escaped."""
    plain = html.unescape(TAG.sub("", text))
    return text if units(plain) <= limit else html.escape(cut(plain, limit, ending=ELLIPSIS), quote=False)
