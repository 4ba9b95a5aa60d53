"""A measured line and how it is printed: what, against what, the ratio, and what the ratio should be."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median


@dataclass(frozen=True)
class Line:
    """One comparison, both sides measured in this run."""

    what: str
    ours_seconds: float
    other: str
    other_seconds: float
    ratio: float
    wanted: str  # e.g. "≤ 1.5"
    holds: bool
    runs: int


def compare(what: str, ours: Sequence[float], other: str, theirs: Sequence[float], at_most: float) -> Line:
    """A line from interleaved timings; the ratio is the median of the pairs' ratios (ours / theirs)."""
    ratio = median(a / b for a, b in zip(ours, theirs, strict=True))
    return Line(what, median(ours), other, median(theirs), ratio, f"≤ {at_most:g}", ratio <= at_most, len(ours))


def show(lines: Sequence[Line]) -> str:
    """The lines as a table for a terminal."""
    rows = [("", "ours", "against", "theirs", "ratio", "wanted", "")]
    rows += [
        (
            line.what,
            f"{line.ours_seconds:.3f} s",
            line.other,
            f"{line.other_seconds:.3f} s",
            f"{line.ratio:.2f}",
            line.wanted,
            "holds" if line.holds else "MISSED",
        )
        for line in lines
    ]
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in rows)


def write(lines: Sequence[Line], path: Path) -> None:
    """The lines as JSON."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps([asdict(line) for line in lines], indent=1, ensure_ascii=False))
