"""Draws contact sheets: numbered, framed, pale where rejected, with headings of rows and columns."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from PIL import Image, ImageDraw

from bot.screens import Cell, Sheet
from bot.sheets.ground import ACCENT, BADGE, EMPTY, INK, KEPT, PAPER, can_draw, letters
from bot.sheets.lettering import fitted, wrapped, write_lines
from bot.sheets.scale import scale_up

Reader = Callable[[Cell], Image.Image | None]

WIDTH_PX = 1280  # what Telegram keeps of a photo
SMALLEST_CELL_PX, LARGEST_CELL_PX = 96, 512
ROUND = 0.06  # of a cell's side
PALE = 0.72
HEADING_PX = 22
ROW_LABEL_LINES = 3


@dataclass(frozen=True)
class Measures:
    """Where things go, in pixels."""

    cell: int
    gap: int
    left: int
    top: int
    columns: int
    rows: int

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the whole sheet."""
        width = self.left + self.columns * (self.cell + self.gap) + self.gap
        return width, self.top + self.rows * (self.cell + self.gap) + self.gap

    def corner(self, index: int) -> tuple[int, int]:
        """Left and top of the cell with this index."""
        row, column = divmod(index, self.columns)
        return self.left + self.gap + column * (self.cell + self.gap), self.top + self.gap + row * (
            self.cell + self.gap
        )


def draw_sheet(sheet: Sheet, read: Reader) -> Image.Image:
    """The sheet as one RGB picture. `read` gives a cell's picture, or None for an empty place."""
    measures = measure(sheet)
    canvas = Image.new("RGB", measures.size, PAPER)
    pen = ImageDraw.Draw(canvas)
    for index, cell in enumerate(sheet.cells):
        _draw_cell(canvas, cell, read(cell), measures, index)
    _draw_headings(pen, sheet, measures)
    if sheet.framed_column is not None:
        _frame_column(pen, measures, sheet.framed_column)
    return canvas


def measure(sheet: Sheet) -> Measures:
    """Cells as large as the width allows."""
    rows = -(-len(sheet.cells) // sheet.columns)
    gap = 10 if sheet.columns <= 4 else 6
    left = 190 if any(map(can_draw, filter(None, sheet.row_labels))) else 0
    cell = (WIDTH_PX - left - gap) // sheet.columns - gap
    if left + gap + rows * (cell + gap) > WIDTH_PX:  # neither side may outgrow what Telegram keeps
        cell = min(cell, (WIDTH_PX - gap) // rows - gap)
    cell = max(SMALLEST_CELL_PX, min(LARGEST_CELL_PX, cell))
    top = 44 if any(map(can_draw, filter(None, sheet.column_labels))) else 0
    return Measures(cell, gap, left, top, sheet.columns, rows)


def _draw_cell(canvas: Image.Image, cell: Cell, picture: Image.Image | None, measures: Measures, index: int) -> None:
    side, (x, y) = measures.cell, measures.corner(index)
    tile = Image.new("RGB", (side, side), EMPTY)
    if picture is not None:
        tile = scale_up(picture, side)
        tile.thumbnail((side, side), Image.Resampling.LANCZOS)
        tile = tile if tile.size == (side, side) else _centred(tile, side)
        if cell.crossed:
            tile = Image.blend(tile, Image.new("RGB", tile.size, PAPER), PALE)
    mask = Image.new("L", (side, side), 0)
    ImageDraw.Draw(mask).rounded_rectangle((0, 0, side - 1, side - 1), radius=int(side * ROUND), fill=255)
    canvas.paste(tile, (x, y), mask)
    pen = ImageDraw.Draw(canvas)
    if cell.framed:
        box = (x - 3, y - 3, x + side + 2, y + side + 2)
        pen.rounded_rectangle(box, radius=int(side * ROUND) + 3, outline=KEPT, width=max(5, side // 40))
    if cell.label and can_draw(cell.label):
        _draw_badge(pen, cell.label, x, y, side)


def _centred(tile: Image.Image, side: int) -> Image.Image:
    whole = Image.new("RGB", (side, side), EMPTY)
    whole.paste(tile, ((side - tile.width) // 2, (side - tile.height) // 2))
    return whole


def _draw_badge(pen: ImageDraw.ImageDraw, label: str, x: int, y: int, side: int) -> None:
    size = max(15, min(26, side // 9))
    label = fitted(pen, label, size, side - 24)
    font = letters(size, label)
    height = int(size * 1.45)
    width = max(pen.textlength(label, font=font) + 16, height)
    left, top = x + side // 30 + 2, y + side // 30 + 2
    pen.rounded_rectangle((left, top, left + width, top + height), radius=height // 2, fill=BADGE)
    pen.text((left + width / 2, top + height / 2), label, font=font, fill=PAPER, anchor="mm")


def _draw_headings(pen: ImageDraw.ImageDraw, sheet: Sheet, measures: Measures) -> None:
    if measures.top:
        for column, label in enumerate(sheet.column_labels):
            x, _ = measures.corner(column)
            text = fitted(pen, label, HEADING_PX, measures.cell)
            colour = ACCENT if column == sheet.framed_column else INK
            centre = (x + measures.cell / 2, measures.top / 2 + 5)
            pen.text(centre, text, font=letters(HEADING_PX, text), fill=colour, anchor="mm")
    if measures.left:
        for row, label in enumerate(sheet.row_labels):
            _, y = measures.corner(row * measures.columns)
            lines = wrapped(pen, label, HEADING_PX, measures.left - 18, ROW_LABEL_LINES)
            write_lines(pen, lines, 14, y + measures.cell / 2, HEADING_PX, INK)


def _frame_column(pen: ImageDraw.ImageDraw, measures: Measures, column: int) -> None:
    x, y = measures.corner(column)
    bottom = measures.size[1] - measures.gap + 3
    box = (x - 5, max(2, y - 5), x + measures.cell + 4, bottom)
    pen.rounded_rectangle(box, radius=14, outline=ACCENT, width=6)
