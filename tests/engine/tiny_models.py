"""Random-weight Stable Diffusion pipelines, small enough to draw in a blink, in diffusers layout on disk."""

from __future__ import annotations

import functools
import tempfile
from pathlib import Path
from typing import Any

import torch
from diffusers import (
    AutoencoderKL,
    DDIMScheduler,
    StableDiffusionPipeline,
    StableDiffusionXLPipeline,
    UNet2DConditionModel,
)
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection, CLIPTokenizer

from emoji_sd import WEIGHTS
from engine.models.loading import load_model
from engine.models.machine import Machine
from storage.families import Family

FAMILIES = tuple(family for family in Family if family is not Family.EMOJI)
MAX_TOKENS = 24
WIDTH = 32  # of the text encoders


@functools.cache
def tiny_folder(family: str) -> Path:
    """A folder in diffusers layout with a tiny random model of this family; made once a process."""
    folder = Path(tempfile.mkdtemp()) / f"tiny-{family}"
    with torch.random.fork_rng():
        torch.manual_seed(0)
        _pipeline(family).save_pretrained(folder, safe_serialization=True)
    return folder


@functools.cache
def tiny_machine(family: str) -> Machine:
    """The tiny model of this family, loaded on the CPU and shared: leave it as you found it."""
    return load_model(str(tiny_folder(family)), device="cpu")


@functools.cache
def emoji_machine() -> Machine:
    """The embedded model, loaded once a process and shared: leave it as you found it."""
    return load_model("emoji", device="cpu")


def _pipeline(family: str) -> Any:
    parts = {"vae": _vae(), "tokenizer": _tokenizer(), "scheduler": _scheduler(family)}
    if family == "sdxl":
        unet = _unet(
            cross_attention_dim=2 * WIDTH,
            use_linear_projection=True,
            addition_embed_type="text_time",
            addition_time_embed_dim=8,
            projection_class_embeddings_input_dim=6 * 8 + WIDTH,
        )
        return StableDiffusionXLPipeline(
            **parts,
            unet=unet,
            text_encoder=CLIPTextModel(_text_config()),
            text_encoder_2=CLIPTextModelWithProjection(_text_config(hidden_act="gelu")),
            tokenizer_2=_tokenizer(),
            add_watermarker=False,
        )
    return StableDiffusionPipeline(
        **parts,
        unet=_unet(cross_attention_dim=WIDTH, use_linear_projection=family == "sd2"),
        text_encoder=CLIPTextModel(_text_config()),
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    )


def _tokenizer() -> CLIPTokenizer:
    return CLIPTokenizer.from_pretrained(WEIGHTS / "tokenizer", model_max_length=MAX_TOKENS)


def _text_config(**changes: Any) -> CLIPTextConfig:
    tokenizer = _tokenizer()
    settings: dict[str, Any] = {
        "vocab_size": len(tokenizer),
        "hidden_size": WIDTH,
        "intermediate_size": 64,
        "projection_dim": WIDTH,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "max_position_embeddings": MAX_TOKENS,
        "bos_token_id": tokenizer.bos_token_id,
        "eos_token_id": tokenizer.eos_token_id,
        "pad_token_id": tokenizer.pad_token_id,
        "hidden_act": "quick_gelu",
    }
    return CLIPTextConfig(**{**settings, **changes})


def _unet(**changes: Any) -> UNet2DConditionModel:
    settings: dict[str, Any] = {
        "sample_size": 8,
        "in_channels": 4,
        "out_channels": 4,
        "block_out_channels": (16, 32),
        "layers_per_block": 1,
        "norm_num_groups": 8,
        "attention_head_dim": 8,
        "down_block_types": ("DownBlock2D", "CrossAttnDownBlock2D"),
        "up_block_types": ("CrossAttnUpBlock2D", "UpBlock2D"),
    }
    return UNet2DConditionModel(**{**settings, **changes})


def _vae() -> AutoencoderKL:
    return AutoencoderKL(
        block_out_channels=(8, 16, 16, 16),
        down_block_types=("DownEncoderBlock2D",) * 4,
        up_block_types=("UpDecoderBlock2D",) * 4,
        layers_per_block=1,
        latent_channels=4,
        norm_num_groups=4,
        sample_size=64,
    )


def _scheduler(family: str) -> DDIMScheduler:
    return DDIMScheduler(
        beta_start=0.00085,
        beta_end=0.012,
        beta_schedule="scaled_linear",
        clip_sample=False,
        set_alpha_to_one=False,
        steps_offset=1,
        prediction_type="v_prediction" if family == "sd2" else "epsilon",
    )
