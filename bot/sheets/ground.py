"""Colours and letters of all sheets and plots."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import matplotlib
from matplotlib.ft2font import FT2Font
from PIL import ImageFont

PAPER = (245, 245, 247)
INK = (34, 36, 42)
FAINT = (150, 154, 164)
EMPTY = (228, 229, 234)
ACCENT = (46, 134, 222)
KEPT = (38, 166, 91)
BADGE = (20, 22, 28)

LATIN_CYRILLIC = Path(matplotlib.get_data_path()) / "fonts" / "ttf" / "DejaVuSans.ttf"
HANGUL = Path(__file__).parent / "fonts" / "styleseal-hangul.ttf"  # NanumGothic without ideographs; OFL.txt beside it


def letters(size_px: int, text: str = "") -> ImageFont.FreeTypeFont:
    """A font of that height that has the letters of the text."""
    return _opened(font_file(text), size_px)


def font_file(text: str) -> Path:
    """The first of our fonts that has every letter of the text; the plain one when none has."""
    return next((font for font in (LATIN_CYRILLIC, HANGUL) if _has_all(font, text)), LATIN_CYRILLIC)


def can_draw(text: str) -> bool:
    """Whether a font of ours has every letter; what it lacks is better left to the message than drawn as boxes."""
    return any(_has_all(font, text) for font in (LATIN_CYRILLIC, HANGUL))


def hex_colour(colour: tuple[int, int, int]) -> str:
    """For matplotlib."""
    return "#{:02x}{:02x}{:02x}".format(*colour)


def _has_all(font: Path, text: str) -> bool:
    return all(ord(letter) in _charmap(font) for letter in text)


@cache
def _charmap(font: Path) -> frozenset[int]:
    return frozenset(FT2Font(str(font)).get_charmap())


@cache
def _opened(font: Path, size_px: int) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(str(font), size_px)
