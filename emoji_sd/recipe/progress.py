"""Progress on the terminal: what is done, how much is left, and a number worth watching."""

import sys
import time
from collections.abc import Iterator, Sequence
from typing import TypeVar

T = TypeVar("T")


def counted(items: Sequence[T], words: str) -> Iterator[T]:
    """Go through items, saying every few seconds how far it is."""
    started = said = time.monotonic()
    for done, item in enumerate(items):
        yield item
        now = time.monotonic()
        if now - said > 5 or done + 1 == len(items):
            said = now
            left = (now - started) / (done + 1) * (len(items) - done - 1)
            say(f"{words}: {done + 1} of {len(items)}, {left:.0f} s left")


def say(words: str) -> None:
    """One line of progress."""
    sys.stderr.write(words + "\n")
