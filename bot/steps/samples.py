"""What a training draws of its samples, as one sheet: prompts below each other, steps side by side."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from bot.screens import Cell, Sheet
from storage.records import ContentHash, Picture


def sample_sheet(
    pictures: Iterable[Picture],
    subjects: Sequence[str],
    steps: Sequence[int],
    labels: Sequence[str],
    framed: int | None = None,
) -> Sheet:
    """Places not drawn yet stay empty; `framed` is the position of the advised step."""
    files: dict[tuple[int, int], ContentHash] = {
        (picture.position % len(subjects), picture.step or 0): picture.file for picture in pictures
    }
    return Sheet(
        cells=tuple(Cell(file=files.get((row, step))) for row in range(len(subjects)) for step in steps),
        columns=len(steps),
        column_labels=tuple(labels),
        row_labels=tuple(subjects),
        framed_column=framed,
    )
