"""Every sampler walks the model's own noise schedule from the right start to the end."""

from __future__ import annotations

import pytest
import torch

from engine.pictures.samplers import make_scheduler
from storage.states import ANCESTRAL, Sampler
from tests.engine.drawing import drawn, psnr, rows_of
from tests.engine.tiny_models import emoji_machine, tiny_machine

CPU = torch.device("cpu")
OTHERS = sorted(set(Sampler) - ANCESTRAL - {Sampler.DDIM})


@pytest.mark.parametrize("sampler", list(Sampler))
@pytest.mark.parametrize("steps", [1, 2, 5, 20])
def test_a_model_with_zero_terminal_snr_starts_from_pure_noise(sampler: Sampler, steps: int) -> None:
    timesteps = make_scheduler(sampler, emoji_machine().noise_scheduler_config, steps, CPU).timesteps
    assert len(timesteps) == steps
    assert int(timesteps[0]) >= 998
    assert (timesteps.diff() <= 0).all()


@pytest.mark.parametrize("sampler", list(Sampler))
def test_the_models_prediction_type_is_kept(sampler: Sampler) -> None:
    for family, kind in (("sd1", "epsilon"), ("sd2", "v_prediction")):
        config = tiny_machine(family).noise_scheduler_config
        assert make_scheduler(sampler, config, 5, CPU).config.prediction_type == kind


def test_karras_steps_are_not_wasted_above_the_first_noise_level() -> None:
    scheduler = make_scheduler(Sampler.DPMPP_2M_KARRAS, emoji_machine().noise_scheduler_config, 20, CPU)
    sigmas = scheduler.sigmas
    assert (sigmas.diff() < 0).all()
    assert sigmas[0] > 1000
    assert sigmas[1] < 20
    # Karras et al. 2022, eq. 5: evenly spaced in σ^(1/7)
    gaps = (sigmas[1:-1] ** (1 / 7)).diff()
    assert torch.allclose(gaps, gaps.mean().expand_as(gaps), rtol=1e-3)


def test_karras_is_left_as_diffusers_has_it_for_other_models() -> None:
    config = tiny_machine("sd1").noise_scheduler_config
    ours = make_scheduler(Sampler.DPMPP_2M_KARRAS, config, 10, CPU)
    assert ours.sigmas[0] == pytest.approx(14.61, rel=0.01)  # SD 1.x's largest noise level


@pytest.mark.parametrize("sampler", OTHERS)
def test_deterministic_samplers_agree_on_the_picture(sampler: Sampler) -> None:
    machine = emoji_machine()
    reference = drawn(machine, rows_of(1, sampler=Sampler.DDIM, steps=20))[0]
    other_seed = drawn(machine, rows_of(2, sampler=Sampler.DDIM, steps=6))[1]
    picture = drawn(machine, rows_of(1, sampler=sampler, steps=20))[0]
    assert psnr(picture, reference) > psnr(other_seed, reference) + 6
