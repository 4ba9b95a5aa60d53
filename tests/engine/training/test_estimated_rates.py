"""Optimizers that find their rate: the estimate leaves its start in time, and goes on to the bit."""

from __future__ import annotations

from contextlib import closing

import pytest

from engine.training.dataset import prepare
from engine.training.loop import Loop
from storage.recipe import SELF_RATED, Optimizer
from storage.records import LossPoint
from tests.engine.sealing import Memory, small_training
from tests.engine.tiny_models import tiny_machine

STEPS = 40


def loop_of(optimizer: Optimizer, **changes: object) -> Loop:
    memory = Memory()
    asked = small_training(memory, optimizer=optimizer, learning_rate=1.0, **changes)
    machine = tiny_machine("sd1")
    dataset = prepare(machine, asked.pictures, memory.files.__getitem__, asked.recipe, asked.trigger)
    return Loop(machine, dataset, asked.recipe, "estimated")


def walk(loop: Loop, last: int) -> list[LossPoint]:
    points = []
    while loop.step < last:
        points += [point for point in loop.run_step() if point is not None]
    return points


@pytest.mark.parametrize("optimizer", sorted(SELF_RATED))
@pytest.mark.parametrize("warmup_steps", [0, 10])
def test_the_estimate_leaves_its_start_within_a_short_training(optimizer: Optimizer, warmup_steps: int) -> None:
    with closing(loop_of(optimizer, warmup_steps=warmup_steps, steps=STEPS, min_snr_gamma=None)) as loop:
        points = walk(loop, STEPS)
        d = loop.optimizer.param_groups[0]["d"]
    grid = [point.validation_loss for point in points if point.validation_loss is not None]
    assert 3e-4 < d < 0.3, "the rates at which such adapters learn are 1e-4 to 1e-1"
    assert grid[-1] < 0.999 * grid[0]


@pytest.mark.parametrize("optimizer", sorted(SELF_RATED))
def test_the_estimate_goes_on_to_the_bit_from_where_it_was(optimizer: Optimizer) -> None:
    with closing(loop_of(optimizer, steps=12, ema_decay=0.9)) as loop:
        walk(loop, 7)
        state = loop.step, loop.state()
        walk(loop, 12)
        whole = loop.state()
    with closing(loop_of(optimizer, steps=12, ema_decay=0.9)) as loop:
        loop.go_on_from(*state)
        walk(loop, 12)
        assert loop.state() == whole
