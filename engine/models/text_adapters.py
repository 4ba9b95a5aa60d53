"""The part of an adapter that lies on the text encoders: LoRA on their attention, named as diffusers names it."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from peft import LoraConfig

from engine.models.machine import Machine

TARGETS = ("q_proj", "k_proj", "v_proj", "out_proj")  # the attention of CLIP, which is what diffusers and kohya share
PREFIXES = ("text_encoder", "text_encoder_2")
MODEL = "text_model."  # the older layout of CLIP, which files keep; transformers 5 drops it from SD 1's encoder


def attach(machine: Machine, name: str, config: LoraConfig, seed: int) -> None:
    """A fresh adapter on every text encoder in fp32, the same for the same seed."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        for encoder in machine.text_encoders:
            encoder.add_adapter(config, adapter_name=name)
    for parameter in named_parameters(machine, name).values():
        parameter.data = parameter.data.float()


def named_parameters(machine: Machine, name: str) -> dict[str, torch.nn.Parameter]:
    """The adapter's own tensors by their names in a file, in a fixed order."""
    found = {}
    for prefix, encoder in zip(PREFIXES, machine.text_encoders, strict=False):
        for key, value in encoder.named_parameters():
            if f".{name}." in key or key.endswith(f".{name}"):
                found[f"{prefix}.{MODEL}{_plain(key, name)}"] = value
    return dict(sorted(found.items()))


def put(machine: Machine, name: str, tensors: Mapping[str, torch.Tensor]) -> None:
    """Writes a file's tensors into an attached adapter of the same names and sizes."""
    for key, parameter in named_parameters(machine, name).items():
        parameter.data.copy_(tensors[key])


def drop(machine: Machine, name: str) -> None:
    """Takes the adapter off for good, where it is on."""
    for encoder in machine.text_encoders:
        if name in getattr(encoder, "peft_config", {}):
            encoder.delete_adapter(name)


def _plain(key: str, name: str) -> str:
    """PEFT's own name of a tensor in a file: without the adapter's, and without `.weight` after a magnitude."""
    plain = key.removeprefix(MODEL).replace(f".{name}", "")
    return plain.removesuffix(".weight") if "lora_magnitude_vector" in plain else plain
