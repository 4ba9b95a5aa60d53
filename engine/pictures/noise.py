"""The diffusion loss and its weights. One small function a formula; symbols are the papers'."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from diffusers import DDPMScheduler

NOISE_SCHEDULE = ("num_train_timesteps", "beta_start", "beta_end", "beta_schedule", "trained_betas", "prediction_type")


def noise_schedule(config: Mapping[str, Any]) -> DDPMScheduler:
    """The model's own noise schedule, as it was trained."""
    known = {name: config[name] for name in (*NOISE_SCHEDULE, "rescale_betas_zero_snr") if name in config}
    return DDPMScheduler(**known)


def signal_to_noise(alphas_cumprod: torch.Tensor, t: torch.Tensor) -> torch.Tensor:
    """SNR(t) = ᾱ / (1 - ᾱ); zero at t = T under zero terminal SNR."""
    a = alphas_cumprod[t]
    return a / (1 - a)


def min_snr_weight(snr: torch.Tensor, gamma: float | None, prediction: str) -> torch.Tensor:
    """min(SNR, γ) / SNR for ε, min(SNR, γ) / (SNR + 1) for v (Hang et al. 2023, arXiv 2303.09556, section 3.4).

    Without γ every timestep weighs 1. At zero SNR the ε form's limit is 1, the v form's 0.
    """
    if gamma is None:
        return torch.ones_like(snr)
    clipped = snr.clamp(max=gamma)
    if prediction == "v_prediction":
        return clipped / (snr + 1)
    return torch.where(snr > 0, clipped / snr.clamp(min=1e-12), torch.ones_like(snr))


def target_of(schedule: DDPMScheduler, x0: torch.Tensor, noise: torch.Tensor, t: torch.Tensor) -> torch.Tensor:
    """ε, or v = √ᾱ ε - √(1-ᾱ) x₀ (Salimans & Ho 2022, arXiv 2202.00512, appendix D)."""
    if schedule.config.prediction_type == "v_prediction":
        velocity: torch.Tensor = schedule.get_velocity(x0, noise, t)
        return velocity
    return noise


def rowwise_error(prediction: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """Mean squared error of every row (N,), in fp32."""
    return (prediction.float() - target.float()).pow(2).flatten(1).mean(dim=1)
