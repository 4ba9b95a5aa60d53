"""Reads the named queries of storage/sql. A query opens with `-- name: …` and one sentence of what it is for."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

FOLDER = Path(__file__).parent / "sql"
HEADING = re.compile(r"^-- name: (\w+)$", re.MULTILINE)


@cache
def queries(noun: str) -> dict[str, str]:
    """All queries of sql/<noun>.sql by name."""
    _, *parts = HEADING.split((FOLDER / f"{noun}.sql").read_text())
    return dict(zip(parts[::2], parts[1::2], strict=True))
