"""`python -m bench.crowd`: two hundred people at once, one who floods, and how many at most; in under three minutes."""

from __future__ import annotations

import sys
from pathlib import Path

from bench.crowd.measure import main
from bench.table import show, write

OUT = Path("out/crowd.json")

if __name__ == "__main__":
    lines = main()
    print(show(lines))
    write(lines, OUT)
    print(f"\nalso as JSON: {OUT}")
    sys.exit(sum(not line.holds for line in lines))
