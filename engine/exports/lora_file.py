"""LoRA files that travel: kohya's keys for A1111, ComfyUI and Forge, PEFT's for diffusers. fp16 safetensors.

Both carry the true strength: kohya's own `alpha` scales by alpha / rank, so alpha' = scale · rank (also under rsLoRA);
PEFT's file has the scale multiplied into the up matrix and says alpha = rank: who reads the weights alone is right.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass

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
SGM_PARTS = ("resnets", "attentions")  # in this order inside one of Stability's blocks
SGM_NAMES = {
    "mid_block.resnets.0": "middle_block.0",
    "mid_block.attentions.0": "middle_block.1",
    "mid_block.resnets.1": "middle_block.2",
    ".conv1": ".in_layers.2",
    ".conv2": ".out_layers.3",
}
DOWN, UP, MAGNITUDE = ".lora_A.weight", ".lora_B.weight", ".lora_magnitude_vector"


@dataclass(frozen=True, kw_only=True)
class About:
    """What a file says of itself. `name` is the seal's own; nothing of people or paths belongs here."""

    name: str
    trigger: str
    recipe: Recipe
    pictures: int
    family: str
    size_px: int
    layers_per_block: int = 2  # of the U-Net; numbers SDXL's blocks


def kohya_file(adapter: bytes, about: About) -> bytes:
    """The adapter with kohya's keys."""
    shape, tensors = read(adapter)
    found: dict[str, torch.Tensor] = {}
    for key, tensor in tensors.items():
        module = kohya_module(_module(key), about)
        if key.endswith(DOWN):
            found[f"{module}.lora_down.weight"] = tensor
            found[f"{module}.alpha"] = torch.tensor(shape.scale * shape.rank)
        elif key.endswith(UP):
            found[f"{module}.lora_up.weight"] = tensor
        elif MAGNITUDE in key:
            found[f"{module}.dora_scale"] = tensor.reshape(-1, 1)
    return _written(found, headers(shape, about))


def kohya_module(module: str, about: About) -> str:
    """kohya's name of a module."""
    if about.family == "sdxl":
        module = sgm_module(module, about.layers_per_block + 1)
    return "lora_unet_" + module.replace(".", "_")


def sgm_module(module: str, width: int) -> str:
    """The name in Stability's own SDXL U-Net, which kohya trains: blocks numbered through, `width` a resolution."""

    def numbered(match: re.Match[str]) -> str:
        side, block, kind, layer = match[1], int(match[2]), match[3], int(match[4])
        number = width * block + layer + (side == "down")  # the first input block is conv_in
        return f"{'input' if side == 'down' else 'output'}_blocks.{number}.{SGM_PARTS.index(kind)}"

    module = re.sub(r"^(down|up)_blocks\.(\d+)\.(resnets|attentions)\.(\d+)", numbered, module)
    for ours, theirs in SGM_NAMES.items():
        module = module.replace(ours, theirs)
    return module


def diffusers_file(adapter: bytes, about: About) -> bytes:
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
    facts = headers(shape, about)
    facts["lora_adapter_metadata"] = json.dumps({f"unet.{key}": value for key, value in config.items()}, sort_keys=True)
    return _written(found, facts)


def headers(shape: Shape, about: About) -> dict[str, str]:
    """What other tools read: kohya's ss_*, ModelSpec 1.0.1. Strings only."""
    recipe, side = about.recipe, about.size_px
    return {
        "ss_v2": str(about.family == "sd2"),
        "ss_base_model_version": KOHYA_BASES[about.family],
        "ss_network_module": "networks.lora",
        "ss_network_dim": str(shape.rank),
        "ss_network_alpha": f"{shape.scale * shape.rank:g}",
        "ss_network_args": "{}",
        "ss_output_name": about.name,
        "ss_resolution": f"({side}, {side})",
        "ss_steps": str(recipe.steps),
        "ss_epoch": str(recipe.epochs),
        "ss_learning_rate": f"{recipe.learning_rate:g}",
        "ss_unet_lr": f"{recipe.learning_rate:g}",
        "ss_optimizer": recipe.optimizer,
        "ss_lr_scheduler": recipe.schedule,
        "ss_seed": str(recipe.seed),
        "ss_num_train_images": str(about.pictures),
        "ss_tag_frequency": json.dumps({"palette": {about.trigger: about.pictures}}),
        "modelspec.sai_model_spec": "1.0.1",
        "modelspec.architecture": ARCHITECTURES[about.family],
        "modelspec.resolution": f"{side}x{side}",
        "modelspec.implementation": "diffusers",
        "modelspec.title": about.name,
        "modelspec.trigger_phrase": about.trigger,
        "modelspec.usage_hint": f"put {about.trigger} into the prompt; strength 0.8",
    }


def _module(key: str) -> str:
    for ending in (DOWN, UP, MAGNITUDE):
        key = key.split(ending)[0]
    return key


def _written(tensors: Mapping[str, torch.Tensor], facts: dict[str, str]) -> bytes:
    """fp16, keys in order, and the hash A1111 shows (sha256 of the tensor bytes).

    The header is written here: the library's own has its facts in a different order every time.
    """
    bare: bytes = save({key: tensors[key].to(torch.float16).contiguous() for key in sorted(tensors)})
    end = 8 + int.from_bytes(bare[:8], "little")
    digest = hashlib.sha256(bare[end:]).hexdigest()
    facts = {**facts, "sshs_model_hash": digest, "modelspec.hash_sha256": f"0x{digest}"}
    header = json.dumps({"__metadata__": facts, **json.loads(bare[8:end])}).encode()
    header += b" " * (-len(header) % 8)  # the tensors begin at a multiple of 8
    return len(header).to_bytes(8, "little") + header + bare[end:]
