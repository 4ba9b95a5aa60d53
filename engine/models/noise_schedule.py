"""The model's own noise schedule: how noise is laid over latents, what the U-Net is to predict, how far it errs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from diffusers import DDPMScheduler

TRAINED_WITH = (
    "num_train_timesteps",
    "beta_start",
    "beta_end",
    "beta_schedule",
    "trained_betas",
    "prediction_type",
    "rescale_betas_zero_snr",
)


def trained_with(config: Mapping[str, Any], *also: str) -> dict[str, Any]:
    """What a scheduler's configuration says of the model's training, and these settings where it has them."""
    return {name: config[name] for name in (*TRAINED_WITH, *also) if name in config}


def noise_schedule(config: Mapping[str, Any]) -> DDPMScheduler:
    """The schedule the model was trained with."""
    return DDPMScheduler(**trained_with(config))


def signal_to_noise(alphas_cumprod: torch.Tensor, t: torch.Tensor) -> torch.Tensor:
    """SNR(t) = ᾱ / (1 - ᾱ); zero at t = T under zero terminal SNR."""
    a = alphas_cumprod[t]
    return a / (1 - a)


def target_of(schedule: DDPMScheduler, x0: torch.Tensor, noise: torch.Tensor, t: torch.Tensor) -> torch.Tensor:
    """ε, or v = √ᾱ ε - √(1-ᾱ) x₀ (Salimans & Ho 2022, arXiv 2202.00512, appendix D)."""
    if schedule.config.prediction_type == "v_prediction":
        velocity: torch.Tensor = schedule.get_velocity(x0, noise, t)
        return velocity
    return noise


def row_means(cells: torch.Tensor, mask: torch.Tensor | None = None) -> torch.Tensor:
    """The mean of every row (N,) of (N, C, h, w); with a mask (N, 1, h, w) over what it leaves visible."""
    if mask is None:
        return cells.flatten(1).mean(dim=1)
    seen = mask.expand_as(cells).flatten(1)
    return (cells.flatten(1) * seen).sum(dim=1) / seen.sum(dim=1).clamp(min=1e-6)


def squared_errors(prediction: torch.Tensor, target: torch.Tensor, mask: torch.Tensor | None = None) -> torch.Tensor:
    """Mean squared error of every row (N,), in fp32."""
    return row_means((prediction.float() - target.float()).pow(2), mask)
