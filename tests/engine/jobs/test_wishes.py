"""A person may look at what a running training has learned, without changing what comes out of it."""

from __future__ import annotations

from engine.jobs.events import Drew, Event, Granted, Stepped
from storage.states import Wish
from tests.engine.sealing import Memory, attempt, small_training
from tests.engine.tiny_models import tiny_machine


def trained(*, asks_at: int | None) -> tuple[Memory, list[Event]]:
    """A whole training; at that step the person asks for samples."""
    memory, said = Memory(), list[Event]()
    request = small_training(memory)
    task = memory.task()
    for event in attempt(request, tiny_machine("sd1"), memory, task):
        said.append(event)
        if isinstance(event, Stepped) and (event.progress.phase, event.progress.done) == ("training", asks_at):
            task.wish, asks_at = Wish.SAMPLE, None
    return memory, said


def test_samples_asked_for_are_drawn_at_the_next_pause_and_change_nothing_else() -> None:
    usual, _ = trained(asks_at=None)
    looked, said = trained(asks_at=2)
    steps = [event.step for event in said if isinstance(event, Drew)]
    assert steps == [0, 0, 2, 2, 3, 3, 6, 6]
    assert [event.wish for event in said if isinstance(event, Granted)] == [Wish.SAMPLE]
    assert looked.adapters == usual.adapters
    assert looked.losses == usual.losses
    assert {place: looked.drawn[place] for place in usual.drawn} == usual.drawn
    assert len(looked.drawn) == len(usual.drawn) + 2
    assert sorted(looked.adapters) == [3, 6], "a look is no checkpoint"


def test_samples_of_a_step_that_is_a_checkpoint_are_not_drawn_twice() -> None:
    memory, said = Memory(), list[Event]()
    request = small_training(memory)
    task = memory.task()
    for event in attempt(request, tiny_machine("sd1"), memory, task):
        said.append(event)
        if 3 in memory.adapters and 3 not in memory.measures:
            task.wish = Wish.SAMPLE
    assert [event.step for event in said if isinstance(event, Drew)] == [0, 0, 3, 3, 6, 6]
    assert task.wish is Wish.NONE
