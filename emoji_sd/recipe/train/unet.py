"""The U-Net and its loss: v-prediction on a cosine schedule with zero terminal SNR."""

import torch
from diffusers import DDIMScheduler, UNet2DConditionModel

from emoji_sd.recipe.train.precision import halved
from emoji_sd.recipe.train.text import WIDTH

CHANNELS, SIDE = 12, 16  # of latents


def make() -> UNet2DConditionModel:
    """A fresh U-Net on latents (12, 16, 16), with two levels: a third one at 4×4 stayed idle (LEARNT.md).

    Captions come in twice: by cross-attention at 8×8, where each place has a token of its own, and pooled into every
    residual block's scale and shift (`addition_embed_type="text"`).
    """
    return UNet2DConditionModel(
        sample_size=SIDE,
        in_channels=CHANNELS,
        out_channels=CHANNELS,
        block_out_channels=(192, 192),
        layers_per_block=1,
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"),
        time_embedding_dim=384,
        cross_attention_dim=WIDTH,
        attention_head_dim=8,  # diffusers' name for the number of heads
        norm_num_groups=16,
        addition_embed_type="text",
        addition_embed_type_num_heads=4,
        resnet_time_scale_shift="scale_shift",
    )


def make_scheduler() -> DDIMScheduler:
    """Cosine schedule (Nichol & Dhariwal 2021), zero terminal SNR (Lin et al. 2024): grounds of any colour."""
    return DDIMScheduler(
        beta_schedule="squaredcos_cap_v2",
        prediction_type="v_prediction",
        rescale_betas_zero_snr=True,
        timestep_spacing="trailing",
        clip_sample=False,
        steps_offset=1,
    )


def loss(
    unet: UNet2DConditionModel,
    scheduler: DDIMScheduler,
    latents: torch.Tensor,
    embeddings: torch.Tensor,
    chance: torch.Generator,
    shift: float = 1.0,
) -> torch.Tensor:
    """Mean squared error of v = √ᾱ ε - √(1-ᾱ) x₀ (Salimans & Ho 2022, eq. 12).

    Timesteps are stratified over the batch and shifted towards noise by `shift` (Esser et al. 2024, eq. 23).
    """
    n = len(latents)
    total = int(scheduler.config["num_train_timesteps"])
    even = (torch.arange(n) + torch.rand(n, generator=chance)) / n
    t = (shift * even / (1 + (shift - 1) * even) * total).long().clamp(max=total - 1)
    noise = torch.randn(latents.shape, generator=chance)
    device = latents.device
    t, noise = t.to(device), noise.to(device)
    noisy = scheduler.add_noise(latents, noise, t)
    target = scheduler.get_velocity(latents, noise, t)
    with halved(device):
        v = unet(noisy.contiguous(memory_format=torch.channels_last), t, embeddings, return_dict=False)[0]
    error: torch.Tensor = (v.float() - target).square().mean()
    return error
