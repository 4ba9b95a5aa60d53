"""From a screen's picture data to JPEG bytes. Slow: `drawing_process` calls it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PIL import Image

from bot.screens import Asset, Cell, PictureSource, Sheet, Shown
from bot.sheets.plot import draw_training
from bot.sheets.scale import jpeg, open_picture, scale_up
from bot.sheets.sheet import draw_sheet
from storage.records import ContentHash

LIBRARY = Path(__file__).resolve().parents[1] / "library"
ReadFile = Callable[[ContentHash], bytes]


def render(picture: PictureSource, read: ReadFile) -> bytes:
    """The picture as JPEG. Raises FileMissing or FileDamaged when a file it needs is gone."""

    def read_cell(cell: Cell) -> Image.Image | None:
        if cell.asset:
            return asset(cell.asset)
        return open_picture(read(cell.file)) if cell.file else None

    if isinstance(picture, Shown):
        return jpeg(scale_up(open_picture(read(picture.file))))
    if isinstance(picture, Asset):
        return jpeg(scale_up(asset(picture.path)))
    if isinstance(picture, Sheet):
        return jpeg(draw_sheet(picture, read_cell))
    return jpeg(draw_training(picture, read_cell))


def asset(path: str) -> Image.Image:
    """A picture that ships with the bot."""
    return open_picture((LIBRARY / path).read_bytes())
