"""Tiny models of every family as single files in the original layout, with CLIP's whole vocabulary."""

from __future__ import annotations

import functools
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from diffusers import AutoencoderKL, UNet2DConditionModel
from safetensors.torch import save_file
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection

from bench.original_layout import original
from engine.models.layouts import published

WIDTH = 64
SIDE = {"modelspec.resolution": "64x64"}
Tensors = dict[str, torch.Tensor]


@functools.cache
def tiny_parts(family: str, layers: int = 1) -> Mapping[str, Any]:
    """Random parts of this family, narrow and shallow but of its shape; in fp32."""
    base = published(family)
    levels = len(base["unet"]["block_out_channels"])
    unet: dict[str, Any] = {"block_out_channels": (32, *[64] * (levels - 1)), "layers_per_block": layers}
    unet["sample_size"] = 8
    unet["cross_attention_dim"] = 3 * WIDTH if family == "sdxl" else WIDTH
    if family != "sd1":
        unet["attention_head_dim"] = [1] * levels
    if family == "sdxl":
        unet |= {
            "projection_class_embeddings_input_dim": 6 * 256 + 2 * WIDTH,
            "transformer_layers_per_block": [1, 1, 2],
        }
    vae = {"block_out_channels": (32,) * 4, "layers_per_block": 1, "sample_size": 64}
    narrow = {"hidden_size": WIDTH, "intermediate_size": 2 * WIDTH, "num_attention_heads": 1, "projection_dim": WIDTH}
    short = {} if family == "sd2" else {"num_hidden_layers": 2}  # of SD 2's, the published number is looked for
    with torch.random.fork_rng():
        torch.manual_seed(1)
        found = {
            "unet": UNet2DConditionModel.from_config({**base["unet"], **unet}),
            "vae": AutoencoderKL.from_config({**base["vae"], **vae}),
            "text_encoder": CLIPTextModel(CLIPTextConfig(**{**base["text_encoder"], **narrow, **short})),
        }
        if family == "sdxl":
            wider = {"hidden_size": 2 * WIDTH, "num_attention_heads": 2, "projection_dim": 2 * WIDTH}  # as XL's is
            config = CLIPTextConfig(**{**base["text_encoder_2"], **narrow, **short, **wider})
            found["text_encoder_2"] = CLIPTextModelWithProjection(config)
    return found


@functools.cache
def original_tensors(family: str, layers: int = 1) -> Mapping[str, torch.Tensor]:
    """The tensors of such a file, by their original names."""
    return {key: value.detach().contiguous() for key, value in original(family, tiny_parts(family, layers)).items()}


def write(path: Path, tensors: Mapping[str, torch.Tensor], **said: str) -> Path:
    """A file of these tensors that says of itself what is handed in, and a size of 64 px."""
    save_file({key: value.clone() for key, value in tensors.items()}, path, metadata={**SIDE, **said})
    return path


@functools.cache
def original_file(family: str, dtype: torch.dtype = torch.float16) -> Path:
    """The whole tiny model of this family in one file; made once a process."""
    path = Path(tempfile.mkdtemp()) / f"tiny-{family}.safetensors"
    return write(path, {key: value.to(dtype) for key, value in original_tensors(family).items()})
