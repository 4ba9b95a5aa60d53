"""Pasted generation data: a card of what was read in it, which counts only once it is taken."""

from __future__ import annotations

from dataclasses import replace

from bot.rules.lengths import ELLIPSIS, cut
from bot.rules.pasted import Pasted, read_pasted
from bot.screens import Retire, Screen
from bot.steps import STEPS
from bot.steps.actions import does
from bot.steps.moves import MoveRefused, Place
from bot.steps.walk import Turn, Walk
from bot.taps import Verb
from storage.states import Stage, Step

# Where a text is a prompt or a part of one.
ASKED_AT = frozenset(
    {
        Place(Step.STYLE, Stage.LOOKS),
        Place(Step.STYLE, Stage.WORDS),
        Place(Step.HUNT, Stage.SUBJECT),
        Place(Step.HUNT, Stage.ALBUM),
        Place(Step.TRYING, Stage.TRY),
    }
)
SHOWN = 1000  # UTF-16 units of each text on the card
NAMED = 8  # settings that are not used; the others are no more use to anybody
SLOT = "pasted"


async def offered(walk: Walk, text: str) -> Turn | None:
    """The card, where a prompt is asked for and generation data came. It waits with the quest."""
    found = read_pasted(text) if walk.place in ASKED_AT else None
    if found is None:
        return None
    await walk.stay(pasted=text)
    return Turn(messages=(_card(walk, found),), screen=False)


def _card(walk: Walk, found: Pasted) -> Screen:
    is_style = walk.here.step is Step.STYLE
    unused = [*found.unused, *(() if is_style else found.settings)]
    lines = [walk.words("pasted.card"), walk.words("pasted.words", words=cut(found.prompt, SHOWN, ending=ELLIPSIS))]
    if found.negative:
        key = "pasted.avoid" if is_style else "pasted.avoid_unused"
        lines.append(walk.words(key, negative=cut(found.negative, SHOWN, ending=ELLIPSIS)))
    if is_style and found.settings:
        lines.append(walk.words("pasted.settings", settings=", ".join(found.settings)))
    if unused:
        named = cut(", ".join(unused[:NAMED]), SHOWN, ending=ELLIPSIS)
        lines.append(walk.words("pasted.unused", unused=named))
    rows = (
        (
            walk.button("pasted.take", Verb.PASTED_TAKE, look="primary"),
            walk.button("pasted.plain", Verb.PASTED_PLAIN),
        ),
        (walk.button("pasted.drop", Verb.PASTED_DROP),),
    )
    return Screen(text="\n\n".join(lines), rows=rows, slot=SLOT, fresh=True)


async def taken(walk: Walk) -> Turn:
    """What waits is used as it was read."""
    found, step = read_pasted(await _no_longer_waiting(walk)), STEPS[walk.here.step]
    if found is None:
        raise MoveRefused(place=str(walk.place), event="pasted")
    turn = await (step.on_pasted(walk, found) if step.on_pasted else step.on_text(walk, found.prompt))
    return _without_card(walk, turn)


async def plain(walk: Walk) -> Turn:
    """What waits counts as plain words."""
    text = await _no_longer_waiting(walk)
    return _without_card(walk, await STEPS[walk.here.step].on_text(walk, text))


async def dropped(walk: Walk) -> Turn:
    """What waits is not used at all."""
    await _no_longer_waiting(walk)
    return _without_card(walk, Turn())


async def _no_longer_waiting(walk: Walk) -> str:
    text = walk.here.pasted
    if not text:
        raise MoveRefused(place=str(walk.place), event="pasted")
    await walk.stay(pasted="")
    return text


def _without_card(walk: Walk, turn: Turn | None) -> Turn:
    turn = turn or walk.says("text.not_asked")
    return replace(turn, messages=(Retire(slot=SLOT), *turn.messages), fresh=True)


TAPS = {
    Verb.PASTED_TAKE: does(taken, also_in=Step),
    Verb.PASTED_PLAIN: does(plain, also_in=Step),
    Verb.PASTED_DROP: does(dropped, also_in=Step),
}
