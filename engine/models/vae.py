"""The one way to ask the VAE: in the format that computes, and never with an answer that is no number."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import torch

from engine.models.machine import Machine
from engine.models.precision import Part, are_finite, widen
from storage.errors import ModelNotFinite

Tensors = TypeVar("Tensors", bound=tuple[torch.Tensor, ...])


def decode(machine: Machine, latents: torch.Tensor) -> torch.Tensor:
    """Pixels (N, 3, H, W) in fp32 of latents as the U-Net has them. Raises ModelNotFinite."""
    if not are_finite(latents):
        raise ModelNotFinite(part=Part.UNET)
    scaled = latents / machine.vae.config.scaling_factor

    def once() -> tuple[torch.Tensor]:
        return (machine.vae.decode(scaled.to(machine.vae_dtype), return_dict=False)[0].float(),)

    return in_numbers(machine, once)[0]


def encode(machine: Machine, pixels: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """The posterior's mean and deviation (N, C, h, w) in fp32 of pixels in -1 … 1. Raises ModelNotFinite."""

    def once() -> tuple[torch.Tensor, torch.Tensor]:
        found = machine.vae.encode(pixels.to(machine.device, machine.vae_dtype)).latent_dist
        return found.mean.float(), found.std.float()

    return in_numbers(machine, once)


def in_numbers(machine: Machine, ask: Callable[[], Tensors]) -> Tensors:
    """What the VAE is asked for, in fp32 where half precision gives no numbers. Raises ModelNotFinite."""
    answer = ask()
    if not are_finite(*answer) and widen(machine, Part.VAE):
        answer = ask()
    if not are_finite(*answer):
        raise ModelNotFinite(part=Part.VAE)
    return answer
