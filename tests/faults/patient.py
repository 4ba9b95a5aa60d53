"""A scripted person who taps again when told that it was not possible now, or that the keyboard was an old one."""

from __future__ import annotations

import time

from bot.words import Words
from launch.person import Answered, Person

AGAIN_SECONDS = 1.0
NOT_NOW = ("refused.NoRoom", "refused.DiskFails")


def is_done(toast: str) -> bool:
    """Whether the tap did what it is for."""
    words = Words("en")
    stale = words.plain("tap.stale", step="|").partition("|")[0]
    return not toast.startswith((stale, *(words.plain(name) for name in NOT_NOW)))


class Patient(Person):
    """Taps until it is done; counts what was written."""

    wrote = 0

    def says(self, text: str) -> None:
        """Writes into the chat."""
        self.wrote += 1
        super().says(text)

    def taps(self, verb: str, *args: str, seconds: float = 60.0) -> Answered:
        """Finds the newest button of this verb and taps it, again where it could not be done."""
        while not is_done((answered := super().taps(verb, *args, seconds=seconds)).text):
            time.sleep(AGAIN_SECONDS)
        return answered
