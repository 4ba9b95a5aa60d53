"""Colours and letters of all sheets and plots."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import matplotlib
from PIL import ImageFont

PAPER = (245, 245, 247)
INK = (34, 36, 42)
FAINT = (150, 154, 164)
EMPTY = (228, 229, 234)
ACCENT = (46, 134, 222)
KEPT = (38, 166, 91)
BADGE = (20, 22, 28)

FONT = Path(matplotlib.get_data_path()) / "fonts" / "ttf" / "DejaVuSans.ttf"  # Latin and Cyrillic; Hangul see below
HANGUL_FONTS = (
    Path("/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc"),
    Path("/usr/share/fonts/truetype/nanum/NanumGothic.ttf"),
    Path("/System/Library/Fonts/AppleSDGothicNeo.ttc"),
    Path("C:/Windows/Fonts/malgun.ttf"),
)


@cache
def letters(size_px: int) -> ImageFont.FreeTypeFont:
    """A font of that height."""
    return ImageFont.truetype(str(FONT), size_px)


def can_draw(text: str) -> bool:
    """Whether our font has every letter; what it lacks is better left to the message's words than drawn as boxes."""
    return all(ord(letter) < 0x1100 or 0x2000 <= ord(letter) < 0x2C00 for letter in text)


def hex_colour(colour: tuple[int, int, int]) -> str:
    """For matplotlib."""
    return "#{:02x}{:02x}{:02x}".format(*colour)
