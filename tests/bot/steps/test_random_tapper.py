"""Somebody who taps and writes at random: nothing crashes, every screen has a way on, no limit is broken."""

from __future__ import annotations

import asyncio
import random
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.screens import Button, Screen
from bot.steps.moves import JOURNEY, Place
from storage.store import Store
from tests.cast import Painter, Traveller
from tests.clock import Clock

ACTIONS = ("tap", "tap", "tap", "tap", "tap", "old", "write", "work", "work", "command")
TEXTS = (
    "a knight",
    "ohwx",
    "sks",
    "<b>&",
    "1, 2\n3",
    "{red|blue} {cat|dog}",
    "((neon))",
    "",
    " ",
    "-",
    "🦊" * 30,
    "x" * 5000,
)
COMMANDS = ("start", "quests", "queue", "cancel", "settings", "help", "export")
NEVER = ("forget.yes", "quest.delete")  # would only make the walk shorter


@asynccontextmanager
async def person_at(folder: Path, chance: random.Random) -> AsyncIterator[Traveller]:
    clock = Clock()
    store = await Store.open(folder / "data", clock)
    try:
        painter = Painter(store)
        await painter.arrives()
        yield Traveller(store, clock, painter, language=chance.choice(("en", "ru", "ko")), chance=chance)
    finally:
        await store.close()


async def roams(seed: int, steps: int) -> None:
    chance = random.Random(seed)
    with tempfile.TemporaryDirectory() as folder:
        async with person_at(Path(folder), chance) as person:
            await person.says("/start")
            await plays_some_acts(person, chance.randrange(7))
            for _ in range(steps):
                await acts(person, chance)
                quest = await person.store.quests.current(person.id)
                assert quest is None or Place(quest.step, quest.stage) in JOURNEY
                newest = next(s for s in reversed(person.screens()) if s.rows)
                assert has_a_way_out(newest), newest


async def plays_some_acts(person: Traveller, count: int) -> None:
    """So that the late steps are roamed as much as the early ones."""
    acts_of_a_quest = (
        person.chooses_a_style(),
        person.hunts(),
        person.picks(1),
        person.fills_the_payload(),
        person.curates(keep=16),
        person.trains(),
        person.seals(),
    )
    for number, act in enumerate(acts_of_a_quest):
        if number < count + 1:
            await act
        else:
            act.close()


def has_a_way_out(screen: Screen) -> bool:
    verbs = {button.data.split(":")[0] for row in screen.rows for button in row if isinstance(button, Button)}
    at_home = {"quest.new", "quest.open", "quest.list"} & verbs
    return bool(verbs & {"nav.back", "nav.home"} or at_home) or screen.slot == "pick"


async def acts(person: Traveller, chance: random.Random) -> None:
    action = chance.choice(ACTIONS)
    if action == "write":
        await person.says(chance.choice(TEXTS))
    elif action == "command":
        await person.says(f"/{chance.choice(COMMANDS)}")
    elif action == "work":
        await person.waits()
    else:
        shown = person.screens() if action == "old" else person.screens()[-2:]
        buttons = [b for s in shown for row in s.rows for b in row if isinstance(b, Button)]
        buttons = [button for button in buttons if not button.data.startswith(NEVER)]
        if buttons:
            await person.presses(chance.choice(buttons))


@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
@given(seed=st.integers(0, 2**32))
def test_a_random_tapper_never_crashes_and_always_has_a_way_on(seed: int) -> None:
    asyncio.run(roams(seed, steps=40))


@pytest.mark.parametrize(
    "data", ["hunt.pick:x", "hunt.pick", "style.kind:nothing", "style.preset:no", "quest.open:9999"]
)
async def test_arguments_that_no_button_of_ours_has_are_answered(data: str, tmp_path: Path) -> None:
    async with person_at(tmp_path, random.Random(1)) as anna:
        await anna.says("/start")
        await anna.taps("quest.new")
        rev = anna.finds("style.kind").data.rsplit(":", 1)[1]
        reply = await anna.presses(Button(label="?", data=f"{data}:{rev}"))
        assert reply.toast
