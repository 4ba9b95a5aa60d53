"""What a button does: its handler, the arguments it takes, and how long a drawn one stays good."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeVar, overload

from bot.steps.walk import Turn, Walk
from bot.taps import Tap, TapUnreadable
from storage.states import Step

First = TypeVar("First")
Second = TypeVar("Second")


class Good(StrEnum):
    """How long a drawn button stays good. One that is not answers only where the person stands now."""

    NOW = "as long as its quest does not move"
    STEP = "as long as its quest is at the step"  # it names what it acts on: an older keyboard is as good as the newest
    QUEST = "always, for the quest it was drawn for"  # on status messages, whatever quest is current
    ALWAYS = "always"
    ADMIN = "always, for admins"


@dataclass(frozen=True, kw_only=True)
class Action:
    """What a button does."""

    handler: Callable[..., Awaitable[Turn]]
    takes: tuple[Callable[[str], object], ...] = ()  # a reader for each; raises ValueError
    least: int = 0  # arguments that must be there
    good: Good = Good.NOW
    steps: frozenset[Step] = frozenset()  # where a quest must stand; of a step's own action only the others

    async def act(self, walk: Walk, tap: Tap) -> Turn:
        """Hands the tap's arguments to the handler. Raises ValueError for arguments that no button of this kind has."""
        if not self.least <= len(tap.args) <= len(self.takes):
            raise TapUnreadable(tap.data())
        return await self.handler(walk, *(read(arg) for read, arg in zip(self.takes, tap.args, strict=False)))


@overload
def does(
    handler: Callable[[Walk], Awaitable[Turn]], /, *, good: Good = Good.NOW, also_in: Iterable[Step] = ()
) -> Action: ...
@overload
def does(
    handler: Callable[[Walk, First], Awaitable[Turn]],
    first: Callable[[str], First],
    /,
    *,
    optional: bool = False,
    good: Good = Good.NOW,
    also_in: Iterable[Step] = (),
) -> Action: ...
@overload
def does(
    handler: Callable[[Walk, First, Second], Awaitable[Turn]],
    first: Callable[[str], First],
    second: Callable[[str], Second],
    /,
    *,
    optional: bool = False,
    good: Good = Good.NOW,
    also_in: Iterable[Step] = (),
) -> Action: ...
def does(
    handler: Callable[..., Awaitable[Turn]],
    /,
    *takes: Callable[[str], object],
    optional: bool = False,
    good: Good = Good.NOW,
    also_in: Iterable[Step] = (),
) -> Action:
    """An action; with `optional` its last argument may be missing."""
    least = len(takes) - optional
    return Action(handler=handler, takes=takes, least=least, good=good, steps=frozenset(also_in))


def one_of(*words: str) -> Callable[[str], str]:
    """Reads one of these words."""

    def read(arg: str) -> str:
        if arg not in words:
            raise ValueError(arg)
        return arg

    read.__name__ = " / ".join(words)
    return read
