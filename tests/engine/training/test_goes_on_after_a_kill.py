"""A training that was killed after any step goes on to the same bytes, whatever its state holds."""

from __future__ import annotations

from contextlib import closing

import pytest

from storage.records import Seed
from tests.engine.tiny_models import tiny_machine
from tests.engine.training.looping import loop_of, steps
from tests.engine.training.practices import PRACTICES


@pytest.mark.parametrize(
    "practice", ["EMA", "Prodigy", "D-Adaptation", "LoRA+", "DoRA", "flips, crops and buckets", "prior by the class"]
)
def test_a_training_killed_after_any_step_goes_on_to_the_same_bytes(practice: str) -> None:
    machine, count = tiny_machine("sd1"), 5
    changes = {**PRACTICES[practice], "steps": count, "seed": Seed(4)}
    states, losses = [], []
    with closing(loop_of(machine, **changes)) as loop:
        for _ in range(count):
            states.append(loop.state())
            losses += steps(loop, 1)
        whole, seal = loop.state(), machine.bank.save("loop")
    for done in range(count):
        with closing(loop_of(machine, **changes)) as again:
            again.go_on_from(done, states[done])
            assert again.state() == states[done]
            assert steps(again, count - done) == losses[done:]
            assert again.state() == whole
            assert machine.bank.save("loop") == seal
