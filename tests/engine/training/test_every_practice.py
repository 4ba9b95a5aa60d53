"""Every practice of the list trains on every family: the validation grid falls, and the base stays."""

from __future__ import annotations

from contextlib import closing

import pytest
import torch

from engine.models.adapters.file import read
from engine.models.adapters.shape import Shape
from engine.training import validation_loss
from engine.training.loop import Loop
from storage.recipe import Schedule
from tests.engine.sealing import ATTENTION, base_hash
from tests.engine.tiny_models import FAMILIES, tiny_machine
from tests.engine.training.looping import loop_of, steps
from tests.engine.training.practices import PRACTICES

STEPS = 10
PLANNED = 3 * STEPS  # so that the grid is measured at every second step only


def grid(loop: Loop) -> float:
    work = validation_loss.measuring(loop)
    while True:
        try:
            next(work)
        except StopIteration as end:
            found: float = end.value
            return found


@pytest.mark.parametrize("practice", PRACTICES)
@pytest.mark.parametrize("family", FAMILIES)
def test_every_practice_lowers_the_validation_grid_and_leaves_the_base(family: str, practice: str) -> None:
    machine = tiny_machine(family)
    before = base_hash(machine)
    with closing(loop_of(machine, **{"steps": PLANNED, "learning_rate": 2e-2, **PRACTICES[practice]})) as loop:
        bare = grid(loop)
        points = steps(loop, STEPS)
        assert grid(loop) < bare
    assert [point.step for point in points] == list(range(1, STEPS + 1))
    assert base_hash(machine) == before
    assert not [key for key, _ in machine.unet.named_parameters() if ".loop." in key]


def test_between_steps_the_model_wears_the_average_and_the_learning_weights_go_on() -> None:
    machine = tiny_machine("sd1")
    with closing(loop_of(machine, min_snr_gamma=None)) as plain:
        steps(plain, 3)
        learnt = [parameter.detach().clone() for parameter in plain.parameters]
    with closing(loop_of(machine, min_snr_gamma=None, ema_decay=0.5)) as loop:
        averaged = [parameter.detach().clone() for parameter in loop.parameters]
        for number in range(1, 4):
            steps(loop, 1)
            assert loop.ema is not None
            decay = min(0.5, (1 + number) / (10 + number))
            averaged = [decay * a + (1 - decay) * w for a, w in zip(averaged, loop.ema.shadow, strict=True)]
        for parameter, average in zip(loop.parameters, averaged, strict=True):
            assert torch.allclose(parameter, average, atol=1e-6)
        for shadow, weight in zip(loop.ema.shadow, learnt, strict=True):
            assert torch.equal(shadow, weight)


def test_loraplus_moves_the_up_matrices_faster_and_nothing_else() -> None:
    rates = {}
    with closing(loop_of(tiny_machine("sd1"), loraplus_ratio=16.0, warmup_steps=0, schedule=Schedule.CONSTANT)) as loop:
        names = {id(value): key for key, value in loop.machine.bank.unet.parameters("loop").items()}
        steps(loop, 1)
        for group in loop.optimizer.param_groups:
            rates |= {names[id(parameter)]: group["lr"] for parameter in group["params"]}
    assert {rate for name, rate in rates.items() if ".lora_A." in name} == {loop.recipe.learning_rate}
    assert {rate for name, rate in rates.items() if ".lora_B." in name} == {16 * loop.recipe.learning_rate}


def test_the_trigger_prior_costs_nothing_before_anything_is_learnt_and_something_after() -> None:
    with closing(loop_of(tiny_machine("sd2"), prior_weight=1.0, learning_rate=5e-2)) as loop:
        before = [float(loss.detach()) for loss in loop.losses(loop.chance(0))]
        steps(loop, 6)
        after = [float(loss.detach()) for loss in loop.losses(loop.chance(0))]
    assert before[1] == pytest.approx(0.0, abs=1e-10)
    assert after[1] > 1e-6


def test_patterns_give_modules_ranks_and_scales_of_their_own() -> None:
    shape = Shape(4, 4, ATTENTION, rank_pattern={"to_v": 8}, alpha_pattern={"attn2.to_k": 2})
    machine = tiny_machine("sd1")
    machine.bank.attach("patterned", shape, seed=0)
    found = {
        name: (layer.r["patterned"], layer.scaling["patterned"])
        for name, layer in machine.unet.named_modules()
        if hasattr(layer, "scaling") and "patterned" in layer.scaling
    }
    data = machine.bank.save("patterned")
    machine.bank.drop("patterned")
    assert read(data).shape == shape
    assert found == {name: (shape.rank_of(name), shape.scale_of(name)) for name in found}
    assert {value for name, value in found.items() if name.endswith("to_v")} == {(8, 0.5)}
    assert {value for name, value in found.items() if name.endswith("attn2.to_k")} == {(4, 0.5)}
