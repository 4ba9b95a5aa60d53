"""`make bench`: every ratio in one run, as a table and as JSON in out/bench.json."""

from __future__ import annotations

import sys
from pathlib import Path

from bench import drawing, embedded, training, waiting
from bench.crowd import measure
from bench.table import show, write

OUT = Path("out/bench.json")


def main() -> int:
    """Measures; returns the number of missed ratios."""
    lines = [*measure.main(), waiting.main(), *drawing.main(), *embedded.main(), *training.main()]
    print(show(lines))
    write(lines, OUT)
    print(f"\nalso as JSON: {OUT}")
    return sum(not line.holds for line in lines)


if __name__ == "__main__":
    sys.exit(main())
