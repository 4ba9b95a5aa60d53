"""Names for files: plain small letters, no path."""

from __future__ import annotations

import re

LONGEST = 40


def file_stem(name: str, trigger: str) -> str:
    """`neon-sign-ohwx`: what is left of the name in plain letters, and the trigger."""
    plain = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:LONGEST].strip("-")
    return f"{plain}-{trigger}" if plain else f"style-{trigger}"
