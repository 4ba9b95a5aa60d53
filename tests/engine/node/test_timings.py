"""Waits are told from what work really took."""

from __future__ import annotations

import pytest

from engine.jobs.events import Drew, Finished, Stepped, Trained
from engine.node.timings import Effort, Timings
from storage.records import Drawing, LossPoint, Progress, Seed
from storage.requests import DrawnAnswer, Row
from storage.states import Phase

DRAWING = Progress(phase=Phase.DRAWING)
TRAINING = Progress(phase=Phase.TRAINING)


def picture(steps: int) -> Drew:
    row = Row(prompt="", negative="", seed=Seed(0), subject="", drawing=Drawing(steps=steps))
    return Drew(position=0, row=row, png=b"", progress=DRAWING)


def draws(timings: Timings, *, steps: int, seconds: float) -> None:
    effort = Effort()
    timings.note(effort, Stepped(progress=DRAWING), seconds)
    timings.note(effort, picture(steps), 0.0)
    timings.note(effort, Finished(answer=DrawnAnswer(drawn=1, seconds=seconds)), 0.0)


def test_a_picture_of_forty_steps_counts_as_two() -> None:
    timings = Timings()
    draws(timings, steps=40, seconds=3.0)
    assert timings.picture.value == pytest.approx(1.5)


def test_one_odd_job_does_not_overturn_the_average() -> None:
    timings = Timings()
    draws(timings, steps=20, seconds=1.0)
    draws(timings, steps=20, seconds=2.0)
    assert timings.picture.value == pytest.approx(1.3)


def test_only_training_itself_counts_towards_a_training_step() -> None:
    timings, effort = Timings(), Effort()
    timings.note(effort, Stepped(progress=DRAWING), 9.0)  # a preview
    for _ in range(4):
        timings.note(effort, Stepped(progress=TRAINING), 0.25)
    losses = tuple(LossPoint(step=step, loss=1.0) for step in (1, 2))
    timings.note(effort, Trained(losses=losses, progress=TRAINING), 0.0)
    assert timings.step.value == pytest.approx(0.5)


def test_a_change_of_a_fifth_is_worth_saying_and_less_is_not() -> None:
    timings = Timings()
    assert not timings.worth_saying
    timings.picture.take(1.0)
    assert timings.worth_saying
    timings.said()
    timings.picture.value = 1.1
    assert not timings.worth_saying
    timings.picture.value = 1.3
    assert timings.worth_saying
