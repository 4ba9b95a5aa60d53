"""From runs to the weights in the repository: a StableDiffusionPipeline in fp16."""

from pathlib import Path

import torch
from diffusers import AutoencoderKL, StableDiffusionPipeline, UNet2DConditionModel
from transformers import CLIPTextModel, CLIPTokenizer

from emoji_sd import WEIGHTS
from emoji_sd.recipe.train.unet import make_scheduler


def pipeline(
    autoencoder: AutoencoderKL,
    scaling_factor: float,
    tokenizer: CLIPTokenizer,
    encoder: CLIPTextModel,
    network: UNet2DConditionModel,
) -> StableDiffusionPipeline:
    """The parts as diffusers' own pipeline."""
    autoencoder.register_to_config(scaling_factor=scaling_factor)
    return StableDiffusionPipeline(
        vae=autoencoder,
        text_encoder=encoder,
        tokenizer=tokenizer,
        unet=network,
        scheduler=make_scheduler(),
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    )


def export(whole: StableDiffusionPipeline, folder: Path = WEIGHTS) -> int:
    """Write the pipeline in fp16 to `folder`; returns the bytes of its weights."""
    whole.to(torch.float16).save_pretrained(folder, safe_serialization=True)
    return sum(file.stat().st_size for file in folder.rglob("*.safetensors"))


def load(folder: Path = WEIGHTS) -> StableDiffusionPipeline:
    """The exported pipeline in fp32, as anybody loads it."""
    whole: StableDiffusionPipeline = StableDiffusionPipeline.from_pretrained(folder, torch_dtype=torch.float32)
    return whole
