"""LoRA files that travel: kohya's keys for A1111, ComfyUI and Forge, PEFT's for diffusers. fp16 safetensors.

Both carry the true strength: kohya's own `alpha` scales by alpha / rank, so alpha' = scale · rank (also under rsLoRA).
It is the same in every module, because diffusers reads no others; what patterns ask for is multiplied into up.
PEFT's file has the scale multiplied into the up matrix and says alpha = rank: who reads the weights alone is right.
DoRA travels in PEFT's file, and in kohya's to ComfyUI and Forge; diffusers drops its magnitudes from kohya's keys.
"""

from __future__ import annotations

import json
from typing import Any

import torch

from engine.exports.about import About, lora_headers
from engine.exports.kohya_names import kohya_module
from engine.exports.tensor_file import tensor_file
from engine.models import text_adapters
from engine.models.adapters import WORD, Shape, read

DOWN, UP, MAGNITUDE = ".lora_A.weight", ".lora_B.weight", ".lora_magnitude_vector"


def kohya_file(adapter: bytes, about: About) -> bytes:
    """The adapter with kohya's keys."""
    shape, tensors = lora_tensors(adapter)
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
        else:  # one magnitude an output, in as many dimensions as the weight: LyCORIS' dora_wd with wd_on_output
            dimensions = tensors[own + DOWN].dim()
            found[f"{module}.dora_scale"] = tensor.reshape(-1, *[1] * (dimensions - 1))
    return tensor_file(found, lora_headers(shape, about), torch.float16)


def diffusers_file(adapter: bytes, about: About) -> bytes:
    """The adapter with PEFT's keys below `unet.` and `text_encoder.`, and `lora_adapter_metadata` that fits them."""
    shape, tensors = lora_tensors(adapter)
    found = {}
    for key, tensor in tensors.items():
        name = _text_name(key) if key.startswith(text_adapters.PREFIXES) else f"unet.{key}"
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
        "target_modules": sorted(shape.targets if part == "unet" else text_adapters.TARGETS),
        "use_dora": shape.use_dora,
        "use_rslora": False,
        "lora_bias": False,
        "alpha_pattern": others,
        "rank_pattern": others,
    }


def lora_tensors(adapter: bytes) -> tuple[Shape, dict[str, torch.Tensor]]:
    """Shape and tensors of an adapter's bytes without its word, which has a file of its own."""
    shape, tensors = read(adapter)
    return shape, {key: tensor for key, tensor in tensors.items() if not key.startswith(WORD)}


def scale_of(shape: Shape, module: str) -> float:
    """The factor on B·A; patterns mean the U-Net's names alone."""
    return shape.scale if module.startswith(text_adapters.PREFIXES) else shape.scale_of(module)


def module_of(key: str) -> str:
    """The module's dotted name in a tensor's key."""
    for ending in (DOWN, UP, MAGNITUDE):
        key = key.split(ending)[0]
    return key
