"""Makes the diffusers scheduler for a sampler name from the model's own noise schedule. Knows no pictures."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from typing import Any

import torch
from diffusers import (
    DDIMScheduler,
    DPMSolverMultistepScheduler,
    EulerAncestralDiscreteScheduler,
    EulerDiscreteScheduler,
    UniPCMultistepScheduler,
)

from engine.models.noise_schedule import trained_with
from storage.states import Sampler

KARRAS_RHO = 7.0  # the paper's
KARRAS_FLOOR = 2  # the last noise level is that of half an even step: below it this kind of model only repeats itself


def make_scheduler(sampler: Sampler, model_config: Mapping[str, Any], steps: int, device: torch.device) -> Any:
    """A fresh scheduler with its timesteps set; one instance serves one group of rows and is then thrown away."""
    only_ddim = ("set_alpha_to_one",) if sampler is Sampler.DDIM else ()
    known = trained_with(model_config, "timestep_spacing", "steps_offset", *only_ddim)
    with warnings.catch_warnings():  # diffusers hands tensors to np.array, which NumPy 2 deprecates
        warnings.simplefilter("ignore", DeprecationWarning)
        scheduler = MAKERS[sampler](known)
        scheduler.set_timesteps(steps, device=device)
    if sampler is Sampler.DPMPP_2M_KARRAS and known.get("rescale_betas_zero_snr"):
        _spread_below_terminal(scheduler, steps, device)
    if hasattr(scheduler, "set_begin_index"):
        scheduler.set_begin_index(0)  # Karras sigmas may share a timestep, so looking steps up by it would skip
    return scheduler


def _spread_below_terminal(scheduler: Any, steps: int, device: torch.device) -> None:
    """Karras et al. 2022 (arXiv 2206.00364), eq. 5, for models with zero terminal SNR.

    One step from pure noise, the others spread from where evenly spaced steps would land next. Spread from the terminal
    σ of 4096 itself, more than half of the steps would change nothing.
    """
    if steps < 3:
        return
    train_steps = int(scheduler.config.num_train_timesteps)
    alphas = scheduler.alphas_cumprod.double()
    all_sigmas = ((1 - alphas) / alphas).sqrt()
    sigma_max = all_sigmas[train_steps - 1 - train_steps // steps]
    sigma_min = all_sigmas[train_steps // (KARRAS_FLOOR * steps)]
    ramp = torch.linspace(0, 1, steps - 1, dtype=torch.float64)
    low, high = sigma_min ** (1 / KARRAS_RHO), sigma_max ** (1 / KARRAS_RHO)
    sigmas = torch.cat([scheduler.sigmas[:1].double(), (high + ramp * (low - high)) ** KARRAS_RHO])
    nearest = (all_sigmas[None].log() - sigmas[:, None].cpu().log()).abs().argmin(dim=1)
    nearest[0] = train_steps - 1
    scheduler.sigmas = torch.cat([sigmas, torch.zeros(1)]).float()
    scheduler.timesteps = nearest.to(device)


def _ddim(known: dict[str, Any]) -> Any:
    return DDIMScheduler(**known, clip_sample=False)


def _euler(known: dict[str, Any]) -> Any:
    return EulerDiscreteScheduler(**known)


def _euler_a(known: dict[str, Any]) -> Any:
    return EulerAncestralDiscreteScheduler(**known)


def _dpmpp_2m_karras(known: dict[str, Any]) -> Any:
    return DPMSolverMultistepScheduler(**known, use_karras_sigmas=True)


def _unipc(known: dict[str, Any]) -> Any:
    return UniPCMultistepScheduler(**known)


MAKERS: dict[Sampler, Callable[[dict[str, Any]], Any]] = {
    Sampler.DDIM: _ddim,
    Sampler.EULER: _euler,
    Sampler.EULER_A: _euler_a,
    Sampler.DPMPP_2M_KARRAS: _dpmpp_2m_karras,
    Sampler.UNIPC: _unipc,
}
