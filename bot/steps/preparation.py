"""Step 5: pictures at the model's own size. What was drawn at it already passes by itself, with a line that says so."""

from __future__ import annotations

from bot.rules.drawing import best_drawing
from bot.screens import Notice, Screen
from bot.steps.actions import does
from bot.steps.moves import Event
from bot.steps.step import Messages, QuestStep
from bot.steps.walk import Turn, Walk
from bot.taps import Verb
from storage.records import Candidate
from storage.states import Stage


async def show(walk: Walk) -> Screen:
    """Which pictures will be fitted to the model's size."""
    cut = await misfits(walk)
    size = best_drawing(walk.machine).width_px
    numbers = ", ".join(str(candidate.number) for candidate in cut)
    return Screen(
        text=walk.words("prepare.ask", count=len(cut), size=size, numbers=numbers),
        rows=((walk.button("prepare.ok", Verb.PREPARE_OK, look="primary"),), walk.way_back()),
    )


async def misfits(walk: Walk) -> list[Candidate]:
    """Palette pictures that are not square at the size the model was made for."""
    size = best_drawing(walk.machine).width_px
    return [
        candidate
        for candidate in await walk.palette()
        if (candidate.picture.drawing.width_px, candidate.picture.drawing.height_px) != (size, size)
    ]


async def on_enter(walk: Walk) -> Messages:
    """Passes on when nothing has to be cut."""
    if walk.here.stage is not Stage.CROPS or await misfits(walk):
        return ()
    size = best_drawing(walk.machine).width_px
    await walk.move(Event.PREPARED)
    return (Notice(text=walk.words("prepare.nothing", size=size)),)


async def accepted(walk: Walk) -> Turn:
    """Fitting them is fine."""
    await walk.move(Event.PREPARED)
    return Turn()


STEP = QuestStep(show=show, on_enter=on_enter, taps={Verb.PREPARE_OK: does(accepted)})
