"""Names for files: plain small letters, no path."""

from __future__ import annotations

import re

LONGEST = 40


def file_stem(name: str) -> str:
    """`neon-sign`: what is left of the name in plain letters; the engine puts the trigger behind it."""
    plain = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:LONGEST].strip("-")
    return plain or "style"
