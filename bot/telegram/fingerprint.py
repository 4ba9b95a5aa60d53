"""Fingerprints of a screen's parts, so that only what changed is sent."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from bot.screens import PictureSource, Screen
from storage.documents import dump


@dataclass(frozen=True)
class Fingerprint:
    """Of text, picture and buttons, each on its own."""

    text: str
    picture: str
    rows: str

    @classmethod
    def of(cls, screen: Screen) -> Fingerprint:
        """Of a screen as data."""
        picture = dump(screen.picture, PictureSource) if screen.picture else ""
        return cls(_short(screen.text), _short(picture), _short(repr(screen.rows)))

    @classmethod
    def read(cls, text: str) -> Fingerprint:
        """What `str()` wrote."""
        text_part, picture, rows = [*text.split(":"), "", "", ""][:3]
        return cls(text_part, picture, rows)

    def __str__(self) -> str:
        return f"{self.text}:{self.picture}:{self.rows}"


def _short(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:12]
