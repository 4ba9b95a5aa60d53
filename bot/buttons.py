"""Every button of the bot: what it takes, what it does, where and how long it is good.

Each table stands at the end of the file whose buttons it names. `python -m bot.buttons > docs/buttons.md` writes them
down as a page.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import replace
from enum import StrEnum

from bot.admin import panel
from bot.steps import STEPS, account, home, journey, pasted
from bot.steps.actions import Action, Good
from bot.taps import Verb
from storage.states import Step

READS = {int: "number", str: "word"}
PAGE = """# Buttons

Written by `python -m bot.buttons`; a test holds it against the code. `callback_data` is `verb:argument:…:stamp`;
the stamp says for which quest, at which of its revisions and when the button was drawn.

| verb | takes | does | where | good |
| --- | --- | --- | --- | --- |
"""


def _of_step(step: Step, taps: Mapping[Verb, Action]) -> dict[Verb, Action]:
    return {verb: replace(action, steps=action.steps | {step}) for verb, action in taps.items()}


TABLES: tuple[Mapping[Verb, Action], ...] = (
    home.TAPS,
    *(_of_step(step, it.taps) for step, it in STEPS.items()),
    journey.TAPS,
    pasted.TAPS,
    account.TAPS,
    panel.TAPS,
)
BUTTONS: dict[Verb, Action] = {verb: action for table in TABLES for verb, action in table.items()}


def page() -> str:
    """The table of all buttons as Markdown."""
    return PAGE + "".join(_line(verb, BUTTONS[verb]) for verb in Verb)


def _line(verb: Verb, action: Action) -> str:
    takes = [_read_as(read) for read in action.takes]
    takes = [name if number < action.least else f"[{name}]" for number, name in enumerate(takes)]
    about = (action.handler.__doc__ or "").splitlines()[0]
    where = "anywhere" if action.good in (Good.ALWAYS, Good.ADMIN, Good.QUEST) else _named(action.steps)
    return f"| `{verb}` | {', '.join(takes)} | {about} | {where} | {action.good} |\n"


def _read_as(read: object) -> str:
    if isinstance(read, type) and issubclass(read, StrEnum):
        return " / ".join(read)
    return READS[read] if isinstance(read, type) else read.__name__  # type: ignore[attr-defined]  # a function


def _named(steps: frozenset[Step]) -> str:
    return "any step" if steps == frozenset(Step) else ", ".join(step for step in Step if step in steps)


if __name__ == "__main__":
    sys.stdout.write(page())
