"""What a GPU does in half precision, tried on the CPU in bfloat16: types fit, and the picture is the same picture."""

from __future__ import annotations

import copy
from dataclasses import replace

import numpy as np
import pytest
import torch

from emoji_sd.recipe.judge import sheet
from engine.measures.style_features import distance, style_features
from engine.models.machine import Machine
from storage.states import Sampler
from tests.engine.drawing import drawn, psnr, rows_of
from tests.engine.tiny_models import FAMILIES, emoji_machine, tiny_machine


def halved(machine: Machine) -> Machine:
    def half(part: torch.nn.Module) -> torch.nn.Module:
        return copy.deepcopy(part).to(torch.bfloat16)

    return replace(
        machine,
        unet=half(machine.unet),
        vae=half(machine.vae),
        text_encoders=tuple(half(encoder) for encoder in machine.text_encoders),
        dtype=torch.bfloat16,
        vae_dtype=torch.bfloat16,
    )


@pytest.mark.parametrize("sampler", [Sampler.DDIM, Sampler.DPMPP_2M_KARRAS, Sampler.UNIPC])
def test_half_precision_draws_the_same_picture(sampler: Sampler) -> None:
    machine = emoji_machine()
    half = halved(machine)
    rows = rows_of(1, sampler=sampler, steps=4, width_px=64, height_px=64, prompt="a (fox:1.2), flat vector")
    assert psnr(drawn(machine, rows)[0], drawn(half, rows)[0]) > 35


def test_half_precision_sees_the_same_style() -> None:
    machine = emoji_machine()
    fox, castle = sheet.cut("fox", "neon sign"), sheet.cut("castle", "flat vector")
    seen, other = style_features(machine, fox), style_features(machine, castle)
    assert distance(seen, style_features(halved(machine), fox)) < 0.1 * distance(seen, other)


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("sampler", list(Sampler))
def test_every_family_and_sampler_draws_in_half_precision(family: str, sampler: Sampler) -> None:
    half = halved(tiny_machine(family))
    rows = rows_of(2, sampler=sampler, width_px=64, height_px=64, prompt="a (fox:1.3)")
    for picture in drawn(half, rows).values():
        assert np.asarray(picture).std() > 1
