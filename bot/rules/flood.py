"""How much one person may ask for at once, so that nobody else waits for it. Counts come in, a verdict goes out."""

from __future__ import annotations

from datetime import datetime, timedelta

MOST_WAITING = 20  # two full albums; a thumb makes five taps a second, and each is handled in a few milliseconds
WINDOW = timedelta(seconds=20)
MOST_LATELY = 60  # three a second for as long as it lasts: curation at full speed
SILENCE = timedelta(hours=1)  # a flood is spoken of once in it


def is_flood(waiting: int, lately: int) -> bool:
    """Whether one more is too much: `waiting` are not handled yet, `lately` came within the window."""
    return waiting >= MOST_WAITING or lately >= MOST_LATELY


def said_once(user: int, now: datetime) -> str:
    """The key under which a person is told of their flood; the same for an hour, also over a restart."""
    return f"flood:{user}:{int(now.timestamp() // SILENCE.total_seconds())}"
