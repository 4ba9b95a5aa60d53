"""The sizes that the bot tells before a training are those of the layers that the engine will adapt."""

from __future__ import annotations

import json

import pytest
import torch
from diffusers import UNet2DConditionModel

from emoji_sd import WEIGHTS
from storage.families import FAMILIES, Family
from storage.presets import TARGETS

EMOJI = FAMILIES[Family.EMOJI].anatomy


def embedded_unet() -> UNet2DConditionModel:
    """The shapes alone, without a weight."""
    with torch.device("meta"):
        return UNet2DConditionModel.from_config(json.loads((WEIGHTS / "unet" / "config.json").read_text()))


@pytest.mark.parametrize("name", TARGETS)
def test_a_rank_and_a_magnitude_weigh_what_the_embedded_models_layers_say(name: str) -> None:
    numbers = outputs = 0
    for path, layer in embedded_unet().named_modules():
        if any(path == target or path.endswith(f".{target}") for target in TARGETS[name]):
            numbers += layer.weight[0].numel() + layer.weight.shape[0]
            outputs += layer.weight.shape[0]
    assert (EMOJI.trained[name], EMOJI.outputs[name]) == (numbers, outputs)


def test_the_text_encoder_weighs_what_its_layers_say() -> None:
    facts = json.loads((WEIGHTS / "text_encoder" / "config.json").read_text())
    width, layers = facts["hidden_size"], facts["num_hidden_layers"]
    assert (EMOJI.width, EMOJI.text) == (width, layers * 4 * 2 * width)
