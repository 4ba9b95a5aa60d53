"""Reads a found model's weights into a diffusers pipeline, from a folder or a single file, in one number format."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from diffusers import StableDiffusionPipeline, StableDiffusionXLPipeline

from engine.models.faults import refusal
from engine.models.find import FoundModel
from engine.models.original import read_original
from storage.states import ModelFault

TEXT_MODEL = "text_model."  # files keep this prefix, transformers from 5.6 on does not
OLD_ATTENTION = {"query": "to_q", "key": "to_k", "value": "to_v", "proj_attn": "to_out.0"}  # in VAEs of 2022


def read(found: FoundModel, dtype: torch.dtype) -> Any:
    """The pipeline, its parts on the CPU. Raises ModelRefused where weights are missing or of another shape."""
    if found.is_single_file:
        return read_original(found.path, found.header, found.name, dtype)
    try:
        pipeline = _from_folder(found, dtype)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RuntimeError) as error:
        raise refusal(ModelFault.INCOMPLETE, found.name) from error
    for part, headers in found.weights.items():
        names = {name for header in headers.values() for name in header.tensors}
        if _lacking(getattr(pipeline, part), names):
            raise refusal(ModelFault.INCOMPLETE, found.name)
    return pipeline


def _from_folder(found: FoundModel, dtype: torch.dtype) -> Any:
    own: dict[str, Any] = {
        "dtype": dtype,
        "variant": found.variant,
        "use_safetensors": True,
        "local_files_only": True,
        "trust_remote_code": False,
    }
    if (found.path / "text_encoder_2").is_dir():
        return StableDiffusionXLPipeline.from_pretrained(found.path, **own, add_watermarker=False)
    unused = {"safety_checker": None, "feature_extractor": None, "requires_safety_checker": False}
    return StableDiffusionPipeline.from_pretrained(found.path, **own, **unused)


def _lacking(part: Any, names: Iterable[str]) -> set[str]:
    """Weights that the part has and its files have not: diffusers fills them with chance and says so in a warning."""
    there = {_plain(name) for name in names}
    return {name for name in part.state_dict() if _plain(name) not in there and not name.endswith("position_ids")}


def _plain(name: str) -> str:
    name = name.removeprefix(TEXT_MODEL)
    head, _, last = name.rpartition(".")
    stem, _, word = head.rpartition(".")
    return f"{stem}.{OLD_ATTENTION[word]}.{last}" if word in OLD_ATTENTION else name
