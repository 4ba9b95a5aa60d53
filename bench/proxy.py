"""Proxy D: a Stable Diffusion 1.5 in small with random weights, whose parts cost on a CPU what the real ones cost.

Counting multiplications is not enough: thin convolutions run better on a CPU than the U-Net's small operations, so the
VAE is wider than its share, and one step with encoding costs 1.5 to 1.9 steps without, as on the real model.
"""

from __future__ import annotations

import torch
from diffusers import AutoencoderKL, DDPMScheduler, UNet2DConditionModel
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTokenizer

from emoji_sd import WEIGHTS
from engine.models.hardware import MemoryMode
from engine.models.machine import Machine
from storage.families import Family

SIDE_PX, TOKENS, WIDTH = 256, 77, 64


def proxy_machine() -> Machine:
    """The proxy on the CPU, fp32."""
    tokenizer = CLIPTokenizer.from_pretrained(WEIGHTS / "tokenizer")
    with torch.random.fork_rng():
        torch.manual_seed(0)
        parts = (_unet(), _vae(), _text_encoder(tokenizer))
    for part in parts:
        part.requires_grad_(False).eval()
    unet, vae, text_encoder = parts
    return Machine(
        name="proxy-d",
        family=Family.SD1,
        unet=unet,
        vae=vae,
        text_encoders=(text_encoder,),
        tokenizers=(tokenizer,),
        noise_scheduler_config=dict(_schedule().config),
        device=torch.device("cpu"),
        dtype=torch.float32,
        vae_dtype=torch.float32,
        memory_mode=MemoryMode.MAIN,
        weights_sha256="",
    )


def _unet() -> UNet2DConditionModel:
    return UNet2DConditionModel(
        sample_size=SIDE_PX // 8,
        block_out_channels=(32, 64, 128, 128),
        norm_num_groups=8,
        attention_head_dim=4,
        cross_attention_dim=WIDTH,
    )


def _vae() -> AutoencoderKL:
    return AutoencoderKL(
        block_out_channels=(24, 48, 96, 96),
        down_block_types=("DownEncoderBlock2D",) * 4,
        up_block_types=("UpDecoderBlock2D",) * 4,
        layers_per_block=2,
        latent_channels=4,
        norm_num_groups=8,
        sample_size=SIDE_PX,
    )


def _text_encoder(tokenizer: CLIPTokenizer) -> CLIPTextModel:
    config = CLIPTextConfig(
        vocab_size=len(tokenizer),
        hidden_size=WIDTH,
        intermediate_size=4 * WIDTH,
        num_hidden_layers=4,
        num_attention_heads=4,
        max_position_embeddings=TOKENS,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    return CLIPTextModel(config)


def _schedule() -> DDPMScheduler:
    return DDPMScheduler(beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear", clip_sample=False)
