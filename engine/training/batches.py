"""One micro-step's tensors on the device, put together from chance and the cached palette."""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol

import torch
from diffusers import DDPMScheduler

from engine.models.machine import Machine
from engine.training.captions import TextSide
from engine.training.dataset import Dataset
from engine.training.draws import Draw
from storage.recipe import Recipe


class Trainee(Protocol):
    """What validation and the prior ask of a loop: they are its parts, so they must not know it itself."""

    machine: Machine
    dataset: Dataset
    recipe: Recipe
    schedule: DDPMScheduler
    timesteps: int
    text: TextSide

    def active(self) -> AbstractContextManager[None]:
        """Makes what is learnt active, and nothing else."""


@dataclass(frozen=True)
class Batch:
    """`x0`, `noise` (B, C, h, w), x0 scaled; `t` (B,); `mask` (B, 1, h, w) or None; `time_ids` (B, 6)."""

    x0: torch.Tensor
    noise: torch.Tensor
    t: torch.Tensor
    mask: torch.Tensor | None
    time_ids: torch.Tensor


def batch_of(dataset: Dataset, chance: Draw, device: torch.device) -> Batch:
    """The rows that chance chose, their latents drawn from the VAE's posterior."""
    bucket = dataset.buckets[chance.bucket]
    rows = sent(chance.rows, device)
    x0 = bucket.mean[rows] + bucket.std[rows] * sent(chance.latent_noise, device)
    return Batch(
        x0=x0 * dataset.scaling_factor,
        noise=sent(chance.noise, device),
        t=sent(chance.t, device),
        mask=None if bucket.mask is None else bucket.mask[rows],
        time_ids=bucket.time_ids[rows],
    )


def class_batch_of(dataset: Dataset, chance: Draw, device: torch.device) -> Batch:
    """The same chance over pictures of the class. They are square: noise of another bucket's shape is laid out anew."""
    bucket = dataset.class_rows
    assert bucket is not None
    rows, shape = sent(chance.rows, device) % len(bucket.mean), bucket.mean.shape[1:]
    noise, latent_noise = (_reshaped(sent(one, device), shape) for one in (chance.noise, chance.latent_noise))
    x0 = (bucket.mean[rows] + bucket.std[rows] * latent_noise) * dataset.scaling_factor
    return Batch(x0, noise, sent(chance.t, device), None, bucket.time_ids[rows])


def _reshaped(noise: torch.Tensor, shape: torch.Size) -> torch.Tensor:
    """Independent noise stays so however it is laid out; what is missing is taken from the start of the row again."""
    if noise.shape[1:] == shape:
        return noise
    cells = noise.flatten(1)
    times = -(-shape.numel() // cells.shape[1])
    return cells.repeat(1, times)[:, : shape.numel()].view(len(noise), *shape)


def sent(tensor: torch.Tensor, device: torch.device) -> torch.Tensor:
    """To the device without waiting for it."""
    if device.type != "cuda":
        return tensor.to(device)
    return tensor.pin_memory().to(device, non_blocking=True)
