"""Finds a layer of the resident model by the name that adapters have for it."""

from __future__ import annotations

import torch

from engine.models.machine import Machine
from engine.models.text_adapters import MODEL, PREFIXES


def weight_of(machine: Machine, module: str) -> torch.Tensor:
    """The base's weight of a layer of the U-Net, or of a text encoder's behind `text_encoder.`; fp32 on the CPU."""
    part, _, rest = module.partition(".")
    whole, name = machine.unet, module
    if part in PREFIXES:
        encoder = machine.text_encoders[PREFIXES.index(part)]
        whole, name = getattr(encoder, MODEL.strip("."), encoder), rest.removeprefix(MODEL)
    layer = whole.get_submodule(name)
    found = getattr(layer, "base_layer", layer).weight
    assert isinstance(found, torch.Tensor)
    return found.detach().float().cpu()
