"""Every button has one place that says what it does, and somebody sees it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from bot.admin import panel
from bot.buttons import BUTTONS, TABLES
from bot.screens import Button, Message, Screen
from bot.taps import Tap, Verb
from storage.records import Job
from storage.requests import Row
from storage.states import JobKind
from storage.store import Store
from tests.cast import Clock, Painter, Traveller, facts

PASTED = "a fox, neon sign\nNegative prompt: blurry\nSteps: 20, Sampler: Euler a, CFG scale: 7, Seed: 1, Size: 512x512"


class Repeating(Painter):
    """Draws the second candidate as it drew the first."""

    async def _paints(self, job: Job, position: int, row: Row, step: int | None = None) -> None:
        if job.kind is JobKind.PAYLOAD and position == 0:
            self.first = row
        is_second = job.kind is JobKind.PAYLOAD and position == 1
        await super()._paints(job, position, self.first if is_second else row, step)


@pytest.fixture
async def anna(tmp_path: Path) -> AsyncIterator[Traveller]:
    clock = Clock()
    store = await Store.open(tmp_path / "data", clock)
    painter = Repeating(store)
    await painter.arrives()
    yield Traveller(store, clock, painter)
    await store.close()


def test_every_verb_stands_in_one_table() -> None:
    named = [verb for table in TABLES for verb in table]
    assert sorted(named) == sorted(Verb)
    assert set(BUTTONS) == set(Verb)


def drawn(messages: list[Message]) -> set[Verb]:
    rows = [row for message in messages if isinstance(message, Screen) for row in message.rows]
    return {Tap.read(button.data).verb for row in rows for button in row if isinstance(button, Button)}


async def looks_around(person: Traveller) -> None:
    """What stands outside the quest, and the admin's panel."""
    for command in ("/start", "/quests", "/settings", "/forget", "/language"):
        await person.says(command)
    job = (await person.store.queue.live())[0]
    walk = replace(await person.walk(), admins=frozenset({person.id}))
    person.seen += (await panel.show(walk)).messages
    person.seen += (await BUTTONS[Verb.ADMIN_CANCEL].act(walk, Tap(Verb.ADMIN_CANCEL, (str(job.id),)))).messages
    await BUTTONS[Verb.ADMIN_PAUSE].act(walk, Tap(Verb.ADMIN_PAUSE))
    person.seen += (await panel.show(walk)).messages
    await BUTTONS[Verb.ADMIN_RESUME].act(walk, Tap(Verb.ADMIN_RESUME))


async def chooses_own_words(person: Traveller) -> None:
    await person.says("/start")
    await person.taps("quest.new")
    await person.taps("style.kind", "style")
    await person.says(PASTED)
    await person.taps("pasted.take")
    await person.taps("style.ok")
    await person.taps("trigger.ok")


async def curates(person: Traveller) -> None:
    await person.curates(keep=12)
    await person.taps("payload.more")
    await person.waits()


async def meets_a_larger_model(person: Traveller) -> None:
    now = facts()
    await person.store.machine.announce(replace(now, model=replace(now.model, size_px=2 * now.model.size_px)))


async def test_every_button_is_drawn_in_a_played_quest(anna: Traveller) -> None:
    await chooses_own_words(anna)
    await anna.taps("hunt.start")
    await looks_around(anna)
    await anna.waits()
    await anna.picks(1)
    await anna.fills_the_payload()
    await curates(anna)
    await meets_a_larger_model(anna)
    await anna.taps("curate.sheet")
    await anna.taps("curate.cards")
    await anna.taps("curate.done")
    await anna.taps("curate.done")
    await anna.taps("prepare.ok")
    await anna.taps("captions.one")
    await anna.says("a neon sign of a cat")
    await anna.taps("captions.ok")
    await anna.taps("train.numbers")
    await anna.taps("train.page", "1")
    await anna.taps("nav.back")
    await anna.taps("train.start")
    await anna.hears()
    await anna.waits()
    await anna.seals()
    assert set(Verb) - drawn(anna.seen) == set()


@pytest.mark.parametrize(
    "data",
    ["style.kind", "style.kind:nothing", "style.kind:style:style", "language.set:xx", "quest.delete:1:perhaps"],
)
async def test_an_argument_that_no_button_has_is_refused_and_changes_nothing(anna: Traveller, data: str) -> None:
    await anna.says("/start")
    await anna.taps("quest.new")
    before = await anna.quest()
    stamp = anna.finds("style.kind").data.rsplit(":", 1)[1]
    reply = await anna.presses(Button(label="?", data=f"{data}:{stamp}"))
    assert reply.toast == (await anna.walk()).words.plain("tap.unreadable")
    assert await anna.quest() == before
