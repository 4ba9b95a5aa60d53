"""A scripted person who waits longer, and taps again when told that it was not possible now or the keyboard was old."""

from __future__ import annotations

import time
from collections.abc import Callable

from bot.words import Words
from launch.person import PATIENCE_SECONDS, Answered, Found, NothingCame, Person, Seen

AGAIN_SECONDS = 1.0
LIVES_SECONDS = 150.0  # of a tap in Telegram; afterwards its spinner stops
NOT_NOW = ("refused.NoRoom", "refused.DiskFails")
LONGER = 8  # an engine that is killed every half minute spends most of its life in starting


def is_done(toast: str) -> bool:
    """Whether the tap did what it is for."""
    words = Words("en")
    stale = words.plain("tap.stale", step="|").partition("|")[0]
    return not toast.startswith((stale, *(words.plain(name) for name in NOT_NOW)))


class Patient(Person):
    """Taps until it is done; counts what was written."""

    wrote = unanswered = 0

    def says(self, text: str) -> None:
        """Writes into the chat."""
        self.wrote += 1
        super().says(text)

    def waits(self, what: str, look: Callable[[], Found | None], seconds: float = PATIENCE_SECONDS) -> Found:
        """Looks until there is something, for as long as it may take under fire. Raises NothingCame."""
        patience = LIVES_SECONDS if what.startswith("an answer") else seconds * LONGER
        return super().waits(what, look, patience)

    def presses(self, button: Seen) -> Answered:
        """Taps this button; where that could not be done, the newest one of its verb and arguments."""
        while not is_done((answered := self._presses(button)).text):
            again = time.monotonic() + AGAIN_SECONDS
            self.waits("another try", lambda again=again: time.monotonic() > again)
            button = self.finds(button.data.partition(":")[0], *button.args)
        return answered

    def _presses(self, button: Seen) -> Answered:
        """A tap that Telegram forgot before we could answer it did what it is for, if its button is gone."""
        try:
            return super().presses(button)
        except NothingCame:
            self.unanswered += 1
            said = button.data.rpartition(":")[0]  # whatever the revision
            still = any(other.data.rpartition(":")[0] == said for other in self.buttons())
            return Answered(Words("en").plain(NOT_NOW[0]) if still else "", LIVES_SECONDS)
