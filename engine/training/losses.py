"""What a prediction's error costs: the shape of the penalty, and the weight of a timestep."""

from __future__ import annotations

import torch

from engine.models.noise_schedule import signal_to_noise
from storage.recipe import Loss, Recipe

# Noisier than any timestep of SD 1.5, whose smallest is 0.0047: 1/√SNR would be without bound at zero terminal SNR.
SMALLEST_SNR = 1.7e-3
# Noisier than this, debiased v-predictions learn nothing: what a picture is of is decided there, not how it is drawn.
# Of 0.0017, 0.1, 0.5, 1 and 2 it did best on the embedded model's seals (emoji_sd/LEARNT.md).
DECIDED_SNR = 1.0


def pointwise(prediction: torch.Tensor, target: torch.Tensor, kind: Loss, delta: float) -> torch.Tensor:
    """The penalty of every cell, fp32, of the inputs' shape.

    `mse` is d². The others are pseudo-Huber, c = δ (Charbonnier 1997): 2(√(d² + c²) - c), quadratic near zero and a
    straight line far out; `huber` is c times that, so that it tends to d² for a large c, `smooth_l1` to 2|d| for a
    small one. These are diffusers' and kohya's conventions, so a rate that works there works here.
    """
    d2 = (prediction.float() - target.float()).pow(2)
    if kind is Loss.MSE:
        return d2
    bent = 2 * ((d2 + delta**2).sqrt() - delta)
    return bent * delta if kind is Loss.HUBER else bent


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


def debiased_weight(snr: torch.Tensor, prediction: str) -> torch.Tensor:
    """1 / √SNR on the ε error (Yu et al. 2023, arXiv 2310.08442, equation 10).

    An ε error is SNR / (SNR + 1) of a v error, so the same weight on v is √SNR / (SNR + 1), which is finite at zero.
    Below DECIDED_SNR v weighs nothing: a palette's captions would be learnt by heart there, and the embedded model's
    seals lost subjects by it.
    """
    if prediction == "v_prediction":
        return torch.where(snr < DECIDED_SNR, 0.0, snr.sqrt() / (snr + 1))
    return snr.clamp(min=SMALLEST_SNR).rsqrt()


def timestep_weight(recipe: Recipe, snr: torch.Tensor, prediction: str) -> torch.Tensor:
    """The recipe's weight of every row: debiased, min-SNR, or one."""
    if recipe.debiased:
        return debiased_weight(snr, prediction)
    return min_snr_weight(snr, recipe.min_snr_gamma, prediction)


def trained_timesteps(recipe: Recipe, alphas_cumprod: torch.Tensor, prediction: str) -> int:
    """How many timesteps, from the finest on, weigh anything: a row of the others would be computed for nothing."""
    weights = timestep_weight(recipe, signal_to_noise(alphas_cumprod, torch.arange(len(alphas_cumprod))), prediction)
    return int(weights.nonzero().max()) + 1
