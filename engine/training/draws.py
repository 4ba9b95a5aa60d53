"""All chance of a training, from (seed, step) alone: pictures, noise, timesteps, dropped captions."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from engine.pictures.latents import generator
from storage.records import Recipe


@dataclass(frozen=True)
class Draw:
    """One micro-step's chance, on the CPU: `pictures`, `t`, `dropped` (B,); `noise`, `latent_noise` (B, C, h, w)."""

    pictures: torch.Tensor
    noise: torch.Tensor
    latent_noise: torch.Tensor
    t: torch.Tensor
    dropped: torch.Tensor


def pictures_of(seed: int, micro_step: int, batch: int, count: int) -> torch.Tensor:
    """Every picture once an epoch, each epoch in an order of its own."""
    found = []
    for number in range(micro_step * batch, (micro_step + 1) * batch):
        epoch, place = divmod(number, count)
        order = torch.randperm(count, generator=generator(seed, -1 - epoch))
        found.append(int(order[place]))
    return torch.tensor(found)


def draw(recipe: Recipe, micro_step: int, *, count: int, shape: torch.Size, timesteps: int) -> Draw:
    """The chance of a micro-step. Timesteps are stratified over the batch: the same mean loss with less variance."""
    seed, batch = int(recipe.seed), recipe.batch_size
    chance = generator(seed, micro_step)
    noise = torch.randn((batch, *shape), generator=chance)
    latent_noise = torch.randn((batch, *shape), generator=chance)
    strata = (torch.arange(batch) + torch.rand(batch, generator=chance)) / batch
    dropped = torch.rand(batch, generator=chance) < recipe.caption_dropout
    t = (strata * timesteps).long().clamp(max=timesteps - 1)
    return Draw(pictures_of(seed, micro_step, batch, count), noise, latent_noise, t, dropped)
