"""A training loop on a tiny palette, and its steps."""

from __future__ import annotations

from engine.models.machine import Machine
from engine.training.dataset import prepare
from engine.training.loop import Loop
from storage.records import LossPoint
from tests.engine.sealing import Memory, small_training


def loop_of(machine: Machine, **changes: object) -> Loop:
    memory = Memory()
    request = small_training(memory, **changes)
    dataset = prepare(machine, request.pictures, memory.files.__getitem__, request.recipe, request.trigger)
    return Loop(machine, dataset, request.recipe, "loop")


def steps(loop: Loop, count: int) -> list[LossPoint]:
    return [point for _ in range(count) for point in loop.run_step() if point is not None]
