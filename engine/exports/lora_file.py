"""LoRA files that travel: kohya's keys for A1111, ComfyUI and Forge, PEFT's for diffusers. fp16 safetensors.

Both carry the true strength: kohya's own `alpha` scales by alpha / rank, so alpha' = scale · rank (also under rsLoRA).
It is the same in every module, because diffusers reads no others; what patterns ask for is multiplied into up.
PEFT's file has the scale multiplied into the up matrix and says alpha = rank: who reads the weights alone is right.
DoRA travels in PEFT's file, and in kohya's to ComfyUI and Forge. `dora_scale` s (O, 1 …) is merged in three ways:
  ComfyUI, Forge:  (W + D) · s / |W|         norms by output (comfy/weight_adapter/base.py, backend/patcher/lora.py)
  LyCORIS:         (W + D) · s / |W + D|     norms by output (lycoris/modules/locon.py)
  A1111:           (W + D) · s / |W + D|     norms by input (extensions-builtin/Lora/network.py)
PEFT's own is m · (W + D) / |W + D| by output, so s = m · |W| / |W + D| is exact in the first. No s is right in another.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

import torch

from engine.exports.about import About, lora_headers
from engine.exports.kohya_names import kohya_module
from engine.exports.tensor_file import tensor_file
from engine.models.adapters.file import TEXT_PREFIXES, read
from engine.models.adapters.shape import TEXT_TARGETS, Shape

DOWN, UP, MAGNITUDE = ".lora_A.weight", ".lora_B.weight", ".lora_magnitude_vector"


def kohya_file(adapter: bytes, about: About, weight_of: Callable[[str], torch.Tensor] | None = None) -> bytes:
    """The adapter with kohya's keys. `weight_of` gives the base's weight of a module, which DoRA alone needs.

    Raises ValueError for a DoRA without it.
    """
    opened = read(adapter)
    shape, tensors = opened.shape, opened.lora
    if shape.use_dora and weight_of is None:
        raise ValueError("a DoRA's scales are of the model's weights")
    found: dict[str, torch.Tensor] = {}
    alpha = shape.scale * shape.rank
    for key, tensor in tensors.items():
        own = module_of(key)
        module = kohya_module(own, about)
        if key.endswith(DOWN):
            found[f"{module}.lora_down.weight"] = tensor
            found[f"{module}.alpha"] = torch.tensor(alpha)
        elif key.endswith(UP):
            found[f"{module}.lora_up.weight"] = tensor * (scale_of(shape, own) * tensor.shape[1] / alpha)
        elif weight_of is not None:
            found[f"{module}.dora_scale"] = _dora_scale(tensors, own, scale_of(shape, own), weight_of(own))
    halves = {key: one if key.endswith(".dora_scale") else one.half() for key, one in found.items()}
    return tensor_file(halves, lora_headers(shape, about))


def _dora_scale(tensors: Mapping[str, torch.Tensor], module: str, scale: float, weight: torch.Tensor) -> torch.Tensor:
    """(O, 1 …) fp32: half a digit less would weigh on all of W, not on its change."""
    down, up, magnitude = (tensors[module + ending].float() for ending in (DOWN, UP, MAGNITUDE))
    change = (up.flatten(1) @ down.flatten(1)).reshape(weight.shape) * scale
    norms = weight.flatten(1).norm(dim=1), (weight + change).flatten(1).norm(dim=1)
    found: torch.Tensor = magnitude.flatten() * norms[0] / norms[1]
    return found.reshape(-1, *[1] * (weight.dim() - 1))


def diffusers_file(adapter: bytes, about: About) -> bytes:
    """The adapter with PEFT's keys below `unet.` and `text_encoder.`, and `lora_adapter_metadata` that fits them."""
    opened = read(adapter)
    shape, tensors = opened.shape, opened.lora
    found = {}
    for key, tensor in tensors.items():
        name = _text_name(key) if key.startswith(TEXT_PREFIXES) else f"unet.{key}"
        found[name] = tensor * scale_of(shape, module_of(key)) if key.endswith(UP) else tensor
    config = {}
    for part in dict.fromkeys(name.split(".")[0] for name in found):
        own = {name.removeprefix(f"{part}."): tensor for name, tensor in found.items() if name.startswith(f"{part}.")}
        config.update({f"{part}.{name}": value for name, value in _config(shape, part, own).items()})
    facts = lora_headers(shape, about)
    facts["lora_adapter_metadata"] = json.dumps(config, sort_keys=True)
    return tensor_file(found, facts, torch.float16)


def _text_name(key: str) -> str:
    """transformers 5 finds a magnitude only by its parameter's whole name; PEFT finds it by either."""
    return f"{key}.weight" if key.endswith(MAGNITUDE) else key


def _config(shape: Shape, part: str, tensors: dict[str, torch.Tensor]) -> dict[str, Any]:
    """PEFT's configuration of one part; the scale is in the weights, so every module's alpha is its rank."""
    ranks = {module_of(key): len(tensor) for key, tensor in tensors.items() if key.endswith(DOWN)}
    others = {module: rank for module, rank in sorted(ranks.items()) if rank != shape.rank}
    return {
        "r": shape.rank,
        "lora_alpha": shape.rank,
        "target_modules": sorted(shape.targets if part == "unet" else TEXT_TARGETS),
        "use_dora": shape.use_dora,
        "use_rslora": False,
        "lora_bias": False,
        "alpha_pattern": others,
        "rank_pattern": others,
    }


def scale_of(shape: Shape, module: str) -> float:
    """The factor on B·A; patterns mean the U-Net's names alone."""
    return shape.scale if module.startswith(TEXT_PREFIXES) else shape.scale_of(module)


def module_of(key: str) -> str:
    """The module's dotted name in a tensor's key."""
    for ending in (DOWN, UP, MAGNITUDE):
        key = key.split(ending)[0]
    return key
