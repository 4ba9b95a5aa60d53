"""What a step of the quest is. The journey knows steps by nothing else, and steps do not know each other.

A step is a file: functions, and at its end a `QuestStep` that names them; `bot/steps/__init__.py` lists the steps.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

from bot.rules.pasted import Pasted
from bot.screens import Message, Screen
from bot.steps.actions import Action
from bot.steps.walk import Turn, Walk
from bot.taps import Verb
from storage.records import Job
from storage.states import JobKind

Messages = tuple[Message, ...]


async def no_messages(_walk: Walk, *_about: object) -> Messages:
    """A hook with nothing to say."""
    return ()


async def nothing(_walk: Walk) -> None:
    """A hook with nothing to do."""


async def no_text_asked(_walk: Walk, _text: str) -> Turn | None:
    """A step that asks for no text."""
    return None


@dataclass(frozen=True, kw_only=True)
class JobHooks:
    """What a step does at the end of a job of one kind that it asked for."""

    on_done: Callable[[Walk, Job], Awaitable[Messages]]
    on_failed: Callable[[Walk, Job], Awaitable[Messages]] = no_messages  # or canceled, or put aside
    has_status: bool = True  # a message that tells how far it is; without one only its end is told, on any quest


@dataclass(frozen=True, kw_only=True)
class QuestStep:
    """A step of the quest: what it shows, what its buttons do, and its hooks."""

    show: Callable[[Walk], Awaitable[Screen]]  # of the stage the quest is at
    taps: Mapping[Verb, Action]
    jobs: Mapping[JobKind, JobHooks] = field(default_factory=dict)
    on_enter: Callable[[Walk], Awaitable[Messages]] = no_messages  # from another step; may move on to the next
    on_leave: Callable[[Walk], Awaitable[None]] = nothing  # when the person goes back
    on_text: Callable[[Walk, str], Awaitable[Turn | None]] = no_text_asked  # None: this stage asks for none
    on_pasted: Callable[[Walk, Pasted], Awaitable[Turn]] | None = None  # None: its prompt is a text like any other
