"""Loads a single file in the original layout of SD 1.x, 2.x or SDXL with nothing from a network.

Weights are mapped from disk and turned tensor by tensor into the number format that computes: none is held twice.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch
from diffusers import (
    AutoencoderKL,
    DDIMScheduler,
    StableDiffusionPipeline,
    StableDiffusionXLPipeline,
    UNet2DConditionModel,
)
from diffusers.loaders.single_file_utils import create_diffusers_clip_model_from_ldm
from safetensors import safe_open
from safetensors.torch import load_file
from transformers import CLIPTextModel, CLIPTextModelWithProjection

from engine.models.declared import SD2_TELLING, declared
from engine.models.faults import refusal
from engine.models.headers import Header
from engine.models.kinds import UNET, family_of_file
from engine.models.layouts import configs_of
from engine.models.vocabulary import clip_tokenizer
from storage.families import CLIP, CLIP_XL, FAMILIES, Family
from storage.states import ModelFault

ENCODERS = {"text_encoder": CLIPTextModel, "text_encoder_2": CLIPTextModelWithProjection}
OLD_CLIP = ("embeddings.", "encoder.", "final_layer_norm.")  # as early merges spell it, without `text_model.`


def read_original(path: Path, header: Header, name: str, dtype: torch.dtype) -> Any:
    """The pipeline. Raises ModelRefused, saying what the file is or what it lacks."""
    family = family_of_file(header)
    if isinstance(family, ModelFault):
        raise refusal(family, name)
    said = declared(header, family, path.with_suffix(".yaml"), _telling(path, header))
    try:
        configs = configs_of(header, family, said)
    except (KeyError, IndexError, ValueError, StopIteration) as error:
        raise refusal(ModelFault.INCOMPLETE, name) from error
    weights = _spelt_as_published(load_file(path))
    try:
        parts = _parts(weights, configs, dtype)
    except (ValueError, KeyError, RuntimeError, AttributeError) as error:  # a tensor is missing, or has another shape
        raise refusal(ModelFault.INCOMPLETE, name) from error
    drawn_by = sum(key.startswith(UNET) for key in header.tensors)
    if drawn_by != len(parts["unet"].state_dict()) or any(_has_holes(part) for part in parts.values()):
        raise refusal(ModelFault.INCOMPLETE, name)
    return _pipeline(family, parts, DDIMScheduler.from_config(configs["scheduler"]))


def _telling(path: Path, header: Header) -> float | None:
    if not header.has(SD2_TELLING):
        return None
    with safe_open(path, framework="pt") as file:
        return float(file.get_tensor(SD2_TELLING).float().std(correction=0))


def _spelt_as_published(weights: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Early merges leave `text_model.` out of CLIP's names; everything else is looked up by the published ones."""
    found = {}
    for key, value in weights.items():
        prefix = next((one for one in (CLIP, CLIP_XL) if key.startswith(one)), "")
        is_old = prefix and key.removeprefix(prefix).startswith(OLD_CLIP)
        found[f"{prefix}text_model.{key.removeprefix(prefix)}" if is_old else key] = value
    return found


def _parts(
    weights: dict[str, torch.Tensor], configs: Mapping[str, dict[str, Any]], dtype: torch.dtype
) -> dict[str, torch.nn.Module]:
    with TemporaryDirectory() as folder:  # diffusers reads configurations from files alone
        for part, config in configs.items():
            (Path(folder) / part).mkdir()
            (Path(folder) / part / "config.json").write_text(json.dumps(config))
        own: dict[str, Any] = {"config": folder, "local_files_only": True, "torch_dtype": dtype}
        found = {
            "unet": UNet2DConditionModel.from_single_file(weights, subfolder="unet", **own),
            "vae": AutoencoderKL.from_single_file(weights, subfolder="vae", **own),
        }
        for part, kind in ENCODERS.items():
            if part in configs:
                found[part] = create_diffusers_clip_model_from_ldm(kind, weights, subfolder=part, **own)
        return found


def _has_holes(part: torch.nn.Module) -> bool:
    """Whether a weight was not in the file: it then has a shape and no numbers."""
    return any(tensor.is_meta for tensor in part.state_dict().values())


def _pipeline(family: Family, parts: Mapping[str, Any], scheduler: DDIMScheduler) -> Any:
    names = ("tokenizer", "tokenizer_2")
    tokenizers = {name: clip_tokenizer(pad) for name, pad in zip(names, FAMILIES[family].paddings, strict=False)}
    if FAMILIES[family].knows_sizes:
        return StableDiffusionXLPipeline(**parts, **tokenizers, scheduler=scheduler, add_watermarker=False)
    return StableDiffusionPipeline(
        **parts,
        **tokenizers,
        scheduler=scheduler,
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    )
