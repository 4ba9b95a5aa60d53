"""Words on a sheet, fitted into the room there is. Knows fonts and widths only."""

from __future__ import annotations

from PIL import ImageDraw

from bot.sheets.ground import can_draw, letters

SPACING = 1.25  # of the letters' height


def fitted(pen: ImageDraw.ImageDraw, text: str, size_px: int, width_px: float) -> str:
    """The text, or as much of it as fits with an ellipsis; nothing when no font of ours can draw it."""
    if not can_draw(text):
        return ""
    font = letters(size_px, text + "…")
    if pen.textlength(text, font=font) <= width_px:
        return text
    while text and pen.textlength(text + "…", font=font) > width_px:
        text = text[:-1].rstrip()
    return text + "…" if text else ""


def wrapped(pen: ImageDraw.ImageDraw, text: str, size_px: int, width_px: float, lines: int) -> list[str]:
    """The text broken between words into at most so many lines; the last one takes what is left, fitted."""
    found: list[str] = []
    rest = text.split()
    while rest and len(found) < lines - 1:
        count = len(rest)
        while count > 1 and pen.textlength(" ".join(rest[:count]), font=letters(size_px, text)) > width_px:
            count -= 1
        found.append(fitted(pen, " ".join(rest[:count]), size_px, width_px))
        rest = rest[count:]
    if rest:
        found.append(fitted(pen, " ".join(rest), size_px, width_px))
    return [line for line in found if line]


def write_lines(
    pen: ImageDraw.ImageDraw, lines: list[str], left: float, middle: float, size_px: int, colour: tuple[int, int, int]
) -> None:
    """Lines one below the other around a middle, flush left."""
    height = size_px * SPACING
    top = middle - height * (len(lines) - 1) / 2
    for number, line in enumerate(lines):
        pen.text((left, top + number * height), line, font=letters(size_px, line), fill=colour, anchor="lm")
