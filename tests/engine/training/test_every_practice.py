"""Every practice of the craft list trains on every family: the validation grid falls, and a kill changes nothing."""

from __future__ import annotations

from contextlib import closing

import pytest
import torch

from engine.models.adapters.file import read
from engine.models.adapters.shape import Shape
from engine.training import yardstick
from engine.training.loop import Loop
from storage.recipe import Schedule
from storage.records import Seed
from tests.engine.sealing import ATTENTION, RESIDUAL, base_hash
from tests.engine.tiny_models import FAMILIES, tiny_machine
from tests.engine.training.test_loop import loop_of, steps

CONVOLUTIONS = (*RESIDUAL, "to_v")
CRAFT: dict[str, dict[str, object]] = {
    "plain": {"min_snr_gamma": None, "timesteps": "uniform", "schedule": "constant"},
    "min-SNR": {},
    "debiased": {"debiased": True, "min_snr_gamma": None},
    "Huber": {"loss": "huber", "huber_delta": 0.3},
    "smooth L1": {"loss": "smooth_l1"},
    "noise offset": {"noise_offset": 0.05},
    "style-leaning timesteps": {"timesteps": "style", "min_snr_gamma": None},
    "masked": {"masked": True},
    "prior by the trigger": {"prior_weight": 0.5},
    "prior by the class": {"prior_weight": 0.5, "prior": "class", "class_prompt": "a pizza", "class_pictures": 2},
    "EMA": {"ema_decay": 0.9},
    "shuffled captions": {"shuffle_caption": True},
    "flips, crops and buckets": {"flip": True, "crops": 2, "buckets": 2},
    "moved": {"moved": 2},
    "rsLoRA": {"use_rslora": True, "rank": 4, "alpha": 4},
    "DoRA": {"use_dora": True},
    "patterns": {"rank_pattern": {"to_v": 4}, "alpha_pattern": {"attn2.to_k": 8}, "alpha": 1},
    "convolutions": {"targets": CONVOLUTIONS},
    "DoRA on convolutions": {"targets": CONVOLUTIONS, "use_dora": True},
    "LoRA+": {"loraplus_ratio": 4.0, "learning_rate": 4e-3},
    "Prodigy": {"optimizer": "prodigy", "learning_rate": 1.0},
    "D-Adaptation": {"optimizer": "dadaptation", "learning_rate": 1.0},
    "linear schedule": {"schedule": "linear"},
    "cosine with restarts": {"schedule": "cosine_restarts"},
    "accumulation": {"batch_size": 1, "accumulation": 2},
}
STEPS = 10
PLANNED = 3 * STEPS  # so that the grid is measured at every second step only


def grid(loop: Loop) -> float:
    work = yardstick.measuring(loop)
    while True:
        try:
            next(work)
        except StopIteration as end:
            found: float = end.value
            return found


@pytest.mark.parametrize("craft", CRAFT)
@pytest.mark.parametrize("family", FAMILIES)
def test_every_practice_lowers_the_validation_grid_and_leaves_the_base(family: str, craft: str) -> None:
    machine = tiny_machine(family)
    before = base_hash(machine)
    with closing(loop_of(machine, **{"steps": PLANNED, "learning_rate": 2e-2, **CRAFT[craft]})) as loop:
        bare = grid(loop)
        points = steps(loop, STEPS)
        assert grid(loop) < bare
    assert [point.step for point in points] == list(range(1, STEPS + 1))
    assert base_hash(machine) == before
    assert not [key for key, _ in machine.unet.named_parameters() if ".loop." in key]


@pytest.mark.parametrize(
    "craft", ["EMA", "Prodigy", "D-Adaptation", "LoRA+", "DoRA", "flips, crops and buckets", "prior by the class"]
)
def test_a_training_killed_after_any_step_goes_on_to_the_same_bytes(craft: str) -> None:
    machine, count = tiny_machine("sd1"), 5
    changes = {**CRAFT[craft], "steps": count, "seed": Seed(4)}
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


def test_between_steps_the_model_wears_the_average_and_the_learning_weights_go_on() -> None:
    machine = tiny_machine("sd1")
    with closing(loop_of(machine, min_snr_gamma=None)) as plain:
        steps(plain, 3)
        learnt = [parameter.detach().clone() for parameter in plain.parameters]
    with closing(loop_of(machine, min_snr_gamma=None, ema_decay=0.5)) as loop:
        averaged = [parameter.detach().clone() for parameter in loop.parameters]
        for number in range(1, 4):
            steps(loop, 1)
            assert loop.averages is not None
            decay = min(0.5, (1 + number) / (10 + number))
            averaged = [decay * a + (1 - decay) * w for a, w in zip(averaged, loop.averages.resting, strict=True)]
        for parameter, average in zip(loop.parameters, averaged, strict=True):
            assert torch.allclose(parameter, average, atol=1e-6)
        for resting, weight in zip(loop.averages.resting, learnt, strict=True):
            assert torch.equal(resting, weight)


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
