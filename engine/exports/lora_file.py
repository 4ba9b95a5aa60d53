"""LoRA files that travel: kohya's keys for A1111, ComfyUI and Forge, PEFT's for diffusers. fp16 safetensors.

Both carry the true strength: kohya's own `alpha` scales by alpha / rank, so alpha' = scale · rank (also under rsLoRA);
PEFT's file has the scale multiplied into the up matrix and says alpha = rank: who reads the weights alone is right.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping

import torch
from safetensors.torch import save

from engine.models.adapters import Shape, read
from storage.records import Recipe

ARCHITECTURES = {
    "emoji": "stable-diffusion-v1/lora",
    "sd1": "stable-diffusion-v1/lora",
    "sd2": "stable-diffusion-v2-768-v/lora",
    "sdxl": "stable-diffusion-xl-v1-base/lora",
}
KOHYA_BASES = {"emoji": "sd_v1", "sd1": "sd_v1", "sd2": "sd_v2_768_v", "sdxl": "sdxl_base_v1-0"}
DOWN, UP, MAGNITUDE = ".lora_A.weight", ".lora_B.weight", ".lora_magnitude_vector"


def kohya_file(adapter: bytes, *, name: str, trigger: str, recipe: Recipe, pictures: int, family: str) -> bytes:
    """The adapter with kohya's keys. `name` is the seal's own; nothing of people or paths is written."""
    shape, tensors = read(adapter)
    found: dict[str, torch.Tensor] = {}
    for key, tensor in tensors.items():
        module = "lora_unet_" + _module(key).replace(".", "_")
        if key.endswith(DOWN):
            found[f"{module}.lora_down.weight"] = tensor
            found[f"{module}.alpha"] = torch.tensor(shape.scale * shape.rank)
        elif key.endswith(UP):
            found[f"{module}.lora_up.weight"] = tensor
        elif MAGNITUDE in key:
            found[f"{module}.dora_scale"] = tensor.reshape(-1, 1)
    facts = headers(shape, name=name, trigger=trigger, recipe=recipe, pictures=pictures, family=family)
    return _written(found, facts)


def diffusers_file(adapter: bytes, *, name: str, trigger: str, recipe: Recipe, pictures: int, family: str) -> bytes:
    """The adapter with PEFT's keys below `unet.`, and `lora_adapter_metadata` that fits them."""
    shape, tensors = read(adapter)
    found = {f"unet.{key}": tensor * shape.scale if key.endswith(UP) else tensor for key, tensor in tensors.items()}
    config = {
        "r": shape.rank,
        "lora_alpha": shape.rank,
        "target_modules": sorted(shape.targets),
        "use_dora": shape.use_dora,
        "use_rslora": False,
        "lora_bias": False,
        "alpha_pattern": {},
        "rank_pattern": {},
    }
    facts = headers(shape, name=name, trigger=trigger, recipe=recipe, pictures=pictures, family=family)
    facts["lora_adapter_metadata"] = json.dumps({f"unet.{key}": value for key, value in config.items()}, sort_keys=True)
    return _written(found, facts)


def headers(shape: Shape, *, name: str, trigger: str, recipe: Recipe, pictures: int, family: str) -> dict[str, str]:
    """What other tools read: kohya's ss_*, ModelSpec 1.0.1. Strings only."""
    return {
        "ss_v2": str(family == "sd2"),
        "ss_base_model_version": KOHYA_BASES[family],
        "ss_network_module": "networks.lora",
        "ss_network_dim": str(shape.rank),
        "ss_network_alpha": f"{shape.scale * shape.rank:g}",
        "ss_network_args": "{}",
        "ss_output_name": name,
        "ss_steps": str(recipe.steps),
        "ss_epoch": str(recipe.epochs),
        "ss_learning_rate": f"{recipe.learning_rate:g}",
        "ss_unet_lr": f"{recipe.learning_rate:g}",
        "ss_optimizer": recipe.optimizer,
        "ss_lr_scheduler": recipe.schedule,
        "ss_seed": str(recipe.seed),
        "ss_num_train_images": str(pictures),
        "ss_tag_frequency": json.dumps({"palette": {trigger: pictures}}),
        "modelspec.sai_model_spec": "1.0.1",
        "modelspec.architecture": ARCHITECTURES[family],
        "modelspec.implementation": "diffusers",
        "modelspec.title": name,
        "modelspec.trigger_phrase": trigger,
        "modelspec.usage_hint": f"put {trigger} into the prompt; strength 0.8",
    }


def _module(key: str) -> str:
    for ending in (DOWN, UP, MAGNITUDE):
        key = key.split(ending)[0]
    return key


def _written(tensors: Mapping[str, torch.Tensor], facts: dict[str, str]) -> bytes:
    """fp16, keys in order, and the hash A1111 shows (sha256 of the tensor bytes)."""
    ordered = {key: tensors[key].to(torch.float16).contiguous() for key in sorted(tensors)}
    bare: bytes = save(ordered)
    digest = hashlib.sha256(bare[8 + int.from_bytes(bare[:8], "little") :]).hexdigest()
    whole: bytes = save(ordered, metadata={**facts, "sshs_model_hash": digest, "modelspec.hash_sha256": f"0x{digest}"})
    return whole
