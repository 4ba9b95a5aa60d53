"""Lengths as Telegram counts them, and cuts that leave every sign whole: no half emoji, no lone accent."""

from __future__ import annotations

import regex

SIGN = regex.compile(r"\X")  # what a reader takes for one sign (Unicode's extended grapheme clusters)
ELLIPSIS = "…"


def units(text: str) -> int:
    """UTF-16 units: an emoji may be two of them, a family eleven."""
    return len(text.encode("utf-16-le", errors="surrogatepass")) // 2


def cut(text: str, most: int, *, ending: str = "") -> str:
    """The text in at most `most` units, whole signs only; where something is cut off, `ending` stands for it."""
    if units(text) <= most:
        return text
    room = most - units(ending)
    kept: list[str] = []
    for match in SIGN.finditer(text):
        room -= units(match[0])
        if room < 0:
            break
        kept.append(match[0])
    return "".join(kept).rstrip() + ending
