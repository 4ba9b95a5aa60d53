"""Sheets: subjects down, looks across, with their words at the edges."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

from engine.emoji_sd.icons import SIZE

EDGE, TOP = 150, 34  # pixels for words
PAPER, INK = (255, 255, 255), (40, 40, 44)


def sheet(pixels: npt.NDArray[np.uint8], rows: Sequence[str], columns: Sequence[str]) -> Image.Image:
    """Pictures (rows · columns, SIZE, SIZE, 3), row after row, as one picture."""
    side = SIZE + 4
    page = Image.new("RGB", (EDGE + side * len(columns), TOP + side * len(rows)), PAPER)
    pen = ImageDraw.Draw(page)
    font = ImageFont.load_default(15)
    for c, words in enumerate(columns):
        pen.text((EDGE + side * c + SIZE / 2, TOP / 2), words, INK, font, anchor="mm")
    for r, words in enumerate(rows):
        pen.text((EDGE - 10, TOP + side * r + SIZE / 2), words, INK, font, anchor="rm")
        for c in range(len(columns)):
            page.paste(Image.fromarray(pixels[r * len(columns) + c]), (EDGE + side * c, TOP + side * r))
    return page
