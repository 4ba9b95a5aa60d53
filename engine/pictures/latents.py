"""Pictures into the model's latents: opened at native size, encoded to the VAE's posterior. Numbered chance."""

from __future__ import annotations

import numpy as np
import torch
from PIL import Image

from engine.models import vae
from engine.models.machine import Machine
from storage.opened import opened

SPREAD = 1_000_003  # a prime: neighbouring (seed, number) pairs share no generator seed


def open_at(data: bytes, size_px: int) -> Image.Image:
    """A palette picture in RGB at the model's native size."""
    image = opened(data).convert("RGB")
    if image.size == (size_px, size_px):
        return image
    return image.resize((size_px, size_px), Image.Resampling.LANCZOS)


def pixels_of(image: Image.Image) -> torch.Tensor:
    """(1, 3, side, side) in -1 … 1."""
    return torch.from_numpy(np.array(image)).permute(2, 0, 1)[None].float() / 127.5 - 1


@torch.no_grad()
def posterior(machine: Machine, image: Image.Image) -> tuple[torch.Tensor, torch.Tensor]:
    """Mean and standard deviation (1, C, h, w) of a picture's latents, fp32. Raises ModelNotFinite."""
    return vae.encode(machine, pixels_of(image))


def generator(seed: int, number: int) -> torch.Generator:
    """The generator of a numbered thing under a seed."""
    return torch.Generator("cpu").manual_seed((seed * SPREAD + number) % 2**63)
