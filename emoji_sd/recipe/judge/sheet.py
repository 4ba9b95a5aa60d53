"""Sheets: subjects down, looks across, with their words at the edges."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

from emoji_sd.recipe.data.icons import SIZE
from emoji_sd.recipe.data.looks import LOOKS

SUBJECTS = ("cat face", "fox", "pizza", "castle", "rocket", "red apple", "guitar", "mushroom")  # of the model's own
FILE = Path(__file__).parents[2] / "sheet.png"
EDGE, TOP, STEP = 150, 34, SIZE + 4  # pixels: for words, and from picture to picture
PAPER, INK = (255, 255, 255), (40, 40, 44)


def sheet(pixels: npt.NDArray[np.uint8], rows: Sequence[str], columns: Sequence[str]) -> Image.Image:
    """Pictures (rows · columns, SIZE, SIZE, 3), row after row, as one picture."""
    page = Image.new("RGB", (EDGE + STEP * len(columns), TOP + STEP * len(rows)), PAPER)
    pen = ImageDraw.Draw(page)
    font = ImageFont.load_default(15)
    for c, words in enumerate(columns):
        pen.text((EDGE + STEP * c + SIZE / 2, TOP / 2), words, INK, font, anchor="mm")
    for r, words in enumerate(rows):
        pen.text((EDGE - 10, TOP + STEP * r + SIZE / 2), words, INK, font, anchor="rm")
        for c in range(len(columns)):
            page.paste(Image.fromarray(pixels[r * len(columns) + c]), (EDGE + STEP * c, TOP + STEP * r))
    return page


def cut(subject: str, look: str) -> Image.Image:
    """One picture (SIZE, SIZE) out of the sheet that ships with the model. Raises ValueError for what is not on it."""
    words = [kind.words for kind in LOOKS]
    left, top = EDGE + STEP * words.index(look), TOP + STEP * SUBJECTS.index(subject)
    with Image.open(FILE) as page:
        return page.convert("RGB").crop((left, top, left + SIZE, top + SIZE))
