"""The one clock of the tests: it stands still until somebody says that time passes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta


class Clock:
    """Handed in wherever our code asks what time it is."""

    def __init__(self) -> None:
        self.now = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def unix(self) -> float:
        """Seconds since 1970, as Telegram's servers count."""
        return self.now.timestamp()

    def advances(self, **by: float) -> None:
        """Time passes: `advances(days=7)`."""
        self.now += timedelta(**by)
