"""All chance of a training, from (seed, step) alone: pictures, their views and captions, noise, timesteps."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields, replace

import torch

from engine.pictures.latents import generator
from storage.recipe import Recipe, Timesteps

STYLE_POWER = 3  # t = T·u³, density ⅓(t/T)^(-2/3): half of all draws below T/8, where strokes and surfaces are made


@dataclass(frozen=True)
class Layout:
    """What there is to draw from: positions of the pictures in every bucket, and its latents' shape (C, h, w).

    `timesteps`: how many of them, from the finest on.
    """

    buckets: tuple[tuple[int, ...], ...]
    shapes: tuple[torch.Size, ...]
    timesteps: int
    views: int = 1  # flips and crops of a picture
    variants: int = 1  # orders of a caption

    @property
    def count(self) -> int:
        """Pictures in all."""
        return sum(len(bucket) for bucket in self.buckets)


@dataclass(frozen=True)
class Draw:
    """One micro-step's chance, on the CPU, all from one bucket.

    `pictures`: positions in the dataset; `rows`: of the bucket's latents; `captions`: of the dataset's texts; `t`,
    `dropped` (B,); `noise`, `latent_noise` (B, C, h, w), the noise with its offset.
    """

    bucket: int
    pictures: torch.Tensor
    rows: torch.Tensor
    captions: torch.Tensor
    noise: torch.Tensor
    latent_noise: torch.Tensor
    t: torch.Tensor
    dropped: torch.Tensor

    def split(self, rows: int) -> Iterator[Draw]:
        """The same chance in pieces of at most `rows` rows, for a memory that does not hold the batch."""
        names = [field.name for field in fields(self) if field.name != "bucket"]
        for start in range(0, len(self.t), rows):
            yield replace(self, **{name: getattr(self, name)[start : start + rows] for name in names})


def _showings(seed: int, micro_step: int, batch: int, count: int) -> list[tuple[int, int]]:
    """(picture, epoch) of every row."""
    found = []
    for number in range(micro_step * batch, (micro_step + 1) * batch):
        epoch, place = divmod(number, count)
        order = torch.randperm(count, generator=generator(seed, -1 - epoch))
        found.append((int(order[place]), epoch))
    return found


def bucket_of(seed: int, micro_step: int, sizes: tuple[int, ...]) -> tuple[int, int]:
    """Which bucket a micro-step draws from, and how many came from it before.

    Over every `sum(sizes)` micro-steps a bucket has as many turns as pictures, so all pictures are shown equally often
    and no batch is ragged.
    """
    if len(sizes) == 1:
        return 0, micro_step
    cycle, place = divmod(micro_step, sum(sizes))
    turns = torch.repeat_interleave(torch.arange(len(sizes)), torch.tensor(sizes))
    turns = turns[torch.randperm(len(turns), generator=generator(seed + 1, -1 - cycle))]
    bucket = int(turns[place])
    return bucket, cycle * sizes[bucket] + int((turns[:place] == bucket).sum())


def draw(recipe: Recipe, micro_step: int, layout: Layout) -> Draw:
    """The chance of a micro-step."""
    seed, batch = int(recipe.seed), recipe.batch_size
    bucket, turn = bucket_of(seed, micro_step, tuple(len(members) for members in layout.buckets))
    members, shape = layout.buckets[bucket], layout.shapes[bucket]
    shown = _showings(seed, turn, batch, len(members))
    chance = generator(seed, micro_step)
    noise = torch.randn((batch, *shape), generator=chance)
    latent_noise = torch.randn((batch, *shape), generator=chance)
    share = timestep_shares(recipe.timesteps, torch.rand(batch, generator=chance))
    dropped = torch.rand(batch, generator=chance) < recipe.caption_dropout
    variants = torch.randint(layout.variants, (batch,), generator=chance)
    if recipe.noise_offset:  # Guttenberg 2023: lets the mean of a picture be learnt, so that it may be dark or bright
        noise = noise + recipe.noise_offset * torch.randn((batch, shape[0], 1, 1), generator=chance)
    pictures = torch.tensor([members[place] for place, _ in shown])
    return Draw(
        bucket=bucket,
        pictures=pictures,
        rows=torch.tensor([place * layout.views + (place + epoch) % layout.views for place, epoch in shown]),
        captions=pictures * layout.variants + variants,
        noise=noise,
        latent_noise=latent_noise,
        t=(share * layout.timesteps).long().clamp(max=layout.timesteps - 1),
        dropped=dropped,
    )


def timestep_shares(kind: Timesteps, u: torch.Tensor) -> torch.Tensor:
    """t / T of every row from uniform u (B,).

    `stratified` puts one draw into each of B equal parts: the same mean loss with less variance. `style` does so too
    and leans to the late, fine steps of drawing (see STYLE_POWER; ai-toolkit's cubic).
    """
    if kind is Timesteps.UNIFORM:
        return u
    strata = (torch.arange(len(u)) + u) / len(u)
    return strata**STYLE_POWER if kind is Timesteps.STYLE else strata
