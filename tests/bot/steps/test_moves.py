"""The journey as a table: every place can be reached, left, and gone back from."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from bot.steps import STEPS
from bot.steps.moves import BACK_IS_HOME, JOURNEY, KIND, Event, Place
from storage.states import FIRST_STAGE, Step

BOT = Path(__file__).resolve().parents[3] / "bot"


def reachable(start: Place) -> set[Place]:
    found, open_ = {start}, [start]
    while open_:
        for target in JOURNEY[open_.pop()].values():
            if target not in found:
                found.add(target)
                open_.append(target)
    return found


def test_every_place_is_reached_from_the_first() -> None:
    assert reachable(KIND) == set(JOURNEY)


@pytest.mark.parametrize("place", JOURNEY, ids=str)
def test_no_place_is_a_dead_end(place: Place) -> None:
    assert [event for event in JOURNEY[place] if event is not Event.BACK]


@pytest.mark.parametrize("place", JOURNEY, ids=str)
def test_back_leads_back_or_home_and_in_the_end_to_the_beginning(place: Place) -> None:
    seen = []
    while place not in BACK_IS_HOME:
        assert place not in seen, "going back turns in a circle"
        seen.append(place)
        place = JOURNEY[place][Event.BACK]


@pytest.mark.parametrize("place", JOURNEY, ids=str)
def test_from_everywhere_the_last_step_can_be_reached(place: Place) -> None:
    assert Step.TRYING in {target.step for target in reachable(place)}


def test_every_step_is_in_the_table_of_contents_in_walking_order() -> None:
    assert list(STEPS) == list(Step)
    assert {place.step for place in JOURNEY} == set(Step)


def test_every_step_begins_at_its_first_stage() -> None:
    assert {Place(step, stage) for step, stage in FIRST_STAGE.items()} <= set(JOURNEY)


def test_every_event_of_the_table_happens_somewhere_and_no_other_does() -> None:
    used = set()
    for path in (BOT / "steps").rglob("*.py"):
        if path.name != "moves.py":
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "Event":
                    used.add(Event[node.attr])
    assert used == set(Event)
    assert used == {event for moves in JOURNEY.values() for event in moves}
