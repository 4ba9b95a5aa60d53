"""The loop's parts: its chance, its loss, its clip, its state, and what it never calls."""

from __future__ import annotations

from collections import Counter
from contextlib import closing
from dataclasses import replace

import pytest
import torch
from diffusers.training_utils import compute_snr
from hypothesis import given
from hypothesis import strategies as st

from engine.models.noise_schedule import noise_schedule, signal_to_noise
from engine.training.draws import Layout, draw
from engine.training.loop import Loop
from engine.training.losses import min_snr_weight
from engine.training.optimizers import rate_share
from storage.errors import FileDamaged, RecipeRefused
from storage.recipe import Optimizer, Recipe, Schedule
from storage.records import Seed
from tests.engine.tiny_models import emoji_machine, tiny_machine
from tests.engine.training.looping import loop_of, steps


def layout_of(count: int) -> Layout:
    return Layout(buckets=(tuple(range(count)),), shapes=(torch.Size((4, 8, 8)),), timesteps=1000)


def test_after_the_palette_is_encoded_no_vae_and_no_text_encoder_is_called() -> None:
    machine = tiny_machine("sdxl")
    calls: list[str] = []
    with closing(loop_of(machine)) as loop:
        parts = [machine.vae.encoder, machine.vae.decoder, *machine.text_encoders]
        hooks = [part.register_forward_hook(lambda part, *_: calls.append(type(part).__name__)) for part in parts]
        points = steps(loop, 3)
        for hook in hooks:
            hook.remove()
    assert calls == []
    assert points[-1].validation_loss is not None


def test_every_step_is_made_at_the_rate_of_its_own_number() -> None:
    with closing(loop_of(tiny_machine("sd1"), warmup_steps=3, schedule="linear")) as loop:
        made_at: list[float] = []
        loop.optimizer.register_step_pre_hook(lambda *_: made_at.append(loop.optimizer.param_groups[0]["lr"]))
        steps(loop, 5)
        assert made_at == [loop.recipe.learning_rate * rate_share(loop.recipe, step) for step in range(1, 6)]


@pytest.mark.parametrize("limit", [1e-6, 1e6])
def test_gradients_are_clipped_to_the_recipes_norm(limit: float) -> None:
    with closing(loop_of(tiny_machine("sd1"), max_grad_norm=limit)) as loop:
        loop.learn_from(loop.chance(0))
        raw = norm(loop)
        assert float(loop.clip()) == pytest.approx(raw)
        assert raw > 1e-6
        assert norm(loop) == pytest.approx(min(raw, limit), rel=1e-3)


def norm(loop: Loop) -> float:
    return float(torch.stack([p.grad.norm() for p in loop.parameters if p.grad is not None]).norm())


def test_accumulating_two_half_batches_learns_as_much_as_it_says() -> None:
    with closing(loop_of(tiny_machine("sd1"), batch_size=2, accumulation=2)) as loop:
        said = list(loop.run_step())
    assert said[0] is None
    assert said[-1] is not None
    with closing(loop_of(tiny_machine("sd1"), batch_size=2, accumulation=2)) as fresh:
        losses = [float(loss.detach()) for micro in range(2) for loss in fresh.losses(fresh.chance(micro))]
    assert said[-1].loss == pytest.approx(sum(losses) / 2, rel=1e-5)


def test_a_state_taken_up_goes_on_to_the_bit_and_a_foreign_one_is_refused() -> None:
    machine = tiny_machine("sd1")
    with closing(loop_of(machine)) as loop:
        steps(loop, 2)
        state = loop.state()
        expected = [point.loss for point in steps(loop, 2)], loop.state()
    with closing(loop_of(machine)) as again:
        again.go_on_from(2, state)
        assert ([point.loss for point in steps(again, 2)], again.state()) == expected
    with closing(loop_of(machine, rank=4)) as other, pytest.raises(FileDamaged):
        other.go_on_from(2, state)


def test_the_loss_falls_when_a_palette_is_learnt() -> None:
    with closing(loop_of(tiny_machine("sd1"), steps=30, learning_rate=2e-2)) as loop:
        points = [point.validation_loss for point in steps(loop, 30) if point.validation_loss is not None]
    assert points[-1] < points[0]


def test_a_refused_recipe_leaves_no_adapter() -> None:
    machine = tiny_machine("sd1")
    with pytest.raises(RecipeRefused):
        loop_of(machine, optimizer=Optimizer.PRODIGY, loraplus_ratio=4.0)
    assert not [key for key, _ in machine.unet.named_parameters() if ".loop." in key]


@given(st.integers(0, 2**32 - 1), st.integers(1, 8), st.integers(1, 23))
def test_every_picture_comes_once_an_epoch(seed: int, batch: int, count: int) -> None:
    recipe, layout = Recipe(batch_size=batch, seed=Seed(seed)), layout_of(count)
    met = [number for step in range(count) for number in draw(recipe, step, layout).pictures.tolist()]
    assert Counter(met) == dict.fromkeys(range(count), batch)


def test_chance_is_the_same_for_the_same_step_and_spread_over_all_timesteps() -> None:
    recipe = Recipe(batch_size=4, seed=Seed(3))
    one, again, next_one = (draw(recipe, n, layout_of(9)) for n in (7, 7, 8))
    assert torch.equal(one.noise, again.noise)
    assert torch.equal(one.t, again.t)
    assert not torch.equal(one.noise, next_one.noise)
    assert [int(t) // 250 for t in one.t] == [0, 1, 2, 3]


def test_captions_are_dropped_as_often_as_the_recipe_says() -> None:
    recipe = Recipe(batch_size=8, caption_dropout=0.25)
    dropped = [draw(recipe, n, layout_of(9)).dropped for n in range(200)]
    assert float(torch.cat(dropped).float().mean()) == pytest.approx(0.25, abs=0.04)


@pytest.mark.parametrize("family", ["sd1", "sd2"])
def test_min_snr_weights_are_those_of_the_paper(family: str) -> None:
    machine = tiny_machine(family)
    schedule = noise_schedule(machine.noise_scheduler_config)
    t = torch.tensor([0, 100, 500, 999])
    snr = compute_snr(schedule, t)  # diffusers' own
    assert torch.allclose(signal_to_noise(schedule.alphas_cumprod, t), snr, rtol=1e-4)
    expected = snr.clamp(max=5) / ((snr + 1) if family == "sd2" else snr)
    assert torch.allclose(min_snr_weight(snr, 5.0, machine.prediction), expected)


def test_zero_terminal_snr_gives_finite_weights() -> None:
    machine = emoji_machine()
    schedule = noise_schedule(machine.noise_scheduler_config)
    snr = signal_to_noise(schedule.alphas_cumprod, torch.tensor([0, 998, 999]))
    assert snr[-1] == 0
    for prediction in ("epsilon", "v_prediction"):
        assert torch.isfinite(min_snr_weight(snr, 5.0, prediction)).all()
    assert min_snr_weight(snr, None, "v_prediction").tolist() == [1, 1, 1]


def test_the_learning_rate_warms_up_and_falls_to_a_tenth() -> None:
    recipe = Recipe(warmup_steps=10, steps=100)
    rates = [rate_share(recipe, step) for step in range(1, 101)]
    assert rates[4] == pytest.approx(0.5)
    assert max(rates) == rates[9] == 1.0
    assert rates[-1] == pytest.approx(0.1)
    assert rates[9:] == sorted(rates[9:], reverse=True)
    assert rate_share(replace(recipe, schedule=Schedule.CONSTANT), 100) == 1.0
