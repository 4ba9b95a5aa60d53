"""How a picture looks, as 64 numbers that care little for what is in it. Uses nothing but the model's own VAE encoder.

Two pictures of one style lie near each other by Euclidean distance; unrelated ones lie about 1 apart.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn

from engine.models.machine import Machine
from engine.models.vae import in_numbers
from engine.pictures.latents import pixels_of

DIMENSIONS = 64
LARGEST_SIDE_PX = 512  # texture statistics hardly change above it, the cost does
PROJECTION_SEED = 20170601  # any fixed number: features of two days must be comparable
REFERENCES = 48  # synthetic pictures whose spread is the unit of every statistic
SMALLEST_DEVIATION = 1e-3


def style_features(machine: Machine, image: Image.Image) -> tuple[float, ...]:
    """64 numbers. The same picture and model give the same numbers, on the CPU to the bit."""
    machine.style_scale = machine.style_scale or _scale(machine)
    mean, spread, projection = machine.style_scale
    standard = (_statistics(machine, _pixels(machine, image)) - mean) / spread
    return tuple((standard @ projection).tolist())


def distance(one: Sequence[float], other: Sequence[float]) -> float:
    """Euclidean distance of two feature vectors."""
    return float(np.linalg.norm(np.subtract(one, other)))


def phash(image: Image.Image) -> str:
    """64-bit difference hash as 16 hex digits: each bit says whether brightness grows to the right."""
    small = np.asarray(image.convert("L").resize((9, 8), Image.Resampling.LANCZOS), dtype=np.int16)
    bits = (small[:, 1:] > small[:, :-1]).flatten()
    return f"{int(''.join('1' if bit else '0' for bit in bits), 2):016x}"


def _pixels(machine: Machine, image: Image.Image) -> Tensor:
    """(1, 3, side, side) in -1 … 1."""
    side = min(machine.size_px, LARGEST_SIDE_PX)
    fitted = image.convert("RGB")
    if fitted.size != (side, side):
        fitted = fitted.resize((side, side), Image.Resampling.LANCZOS)
    return pixels_of(fitted)


@torch.no_grad()
def _statistics(machine: Machine, pixels: Tensor) -> Tensor:
    """Channel means μ and log deviations log σ of the pixels and of each depth of the encoder (D,).

    μ and σ are those of AdaIN, Huang & Belongie 2017 (arXiv 1703.06868), eq. 5–6; its style loss compares them, eq. 13.
    """
    maps = in_numbers(machine, lambda: _maps(machine, pixels))
    third = (pixels - pixels.mean(dim=(2, 3), keepdim=True)).pow(3).mean(dim=(2, 3))
    numbers = [third[0].sign() * third[0].abs().pow(1 / 3)]
    for feature_map in (pixels, *maps):
        flat = feature_map[0].flatten(1).float().cpu()
        numbers += [flat.mean(dim=1), (flat.std(dim=1) + SMALLEST_DEVIATION).log()]
    return torch.cat(numbers)


def _maps(machine: Machine, pixels: Tensor) -> tuple[Tensor, ...]:
    with _watched(machine.vae.encoder) as maps:
        machine.vae.encode(pixels.to(machine.device, machine.vae_dtype))
    return tuple(maps)


@contextmanager
def _watched(encoder: Any) -> Iterator[list[Tensor]]:
    """Collects the feature maps of the first layer and of the end of every resolution."""
    maps: list[Tensor] = []

    def keep(_module: nn.Module, _inputs: object, output: Tensor) -> None:
        maps.append(output)

    layers = [encoder.conv_in, *(block.resnets[-1] for block in encoder.down_blocks)]
    hooks = [layer.register_forward_hook(keep) for layer in layers]
    try:
        yield maps
    finally:
        for hook in hooks:
            hook.remove()


def _scale(machine: Machine) -> tuple[Tensor, Tensor, Tensor]:
    """Mean and spread of every statistic over synthetic pictures, and the projection to 64 numbers."""
    side = min(machine.size_px, LARGEST_SIDE_PX)
    generator = torch.Generator().manual_seed(PROJECTION_SEED)
    known = torch.stack([_statistics(machine, _reference(number, side, generator)) for number in range(REFERENCES)])
    projection = torch.randn(known.shape[1], DIMENSIONS, generator=generator)
    # Johnson–Lindenstrauss keeps distances with 1/√64; 1/√2D makes two unrelated references lie about 1 apart
    scale = (DIMENSIONS * 2 * known.shape[1]) ** -0.5
    return known.mean(dim=0), known.std(dim=0) + SMALLEST_DEVIATION, projection * scale


def _reference(number: int, side: int, generator: torch.Generator) -> Tensor:
    """Noise of some grain, hard or smooth, of some contrast, on some colour (1, 3, side, side)."""
    grain = (2, 4, 8, 16, 32, side)[number % 6]
    mode = "nearest" if number % 2 else "bilinear"
    colour = torch.rand(1, 3, 1, 1, generator=generator) * 2 - 1
    noise = torch.rand(1, 3, grain, grain, generator=generator) * 2 - 1
    contrast = torch.rand(1, generator=generator)
    pattern = nn.functional.interpolate(noise, size=(side, side), mode=mode)
    return (colour * (1 - contrast) + pattern * contrast).clamp(-1, 1)
