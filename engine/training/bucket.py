"""Pictures of one latent shape, encoded once."""

from __future__ import annotations

from dataclasses import dataclass

import torch


@dataclass(frozen=True)
class Bucket:
    """Pictures of one latent shape, `views` rows each.

    `pictures`: their positions in the dataset; `mean`, `std` (rows, C, h, w): the VAE's posterior in fp32, unscaled;
    `mask` (rows, 1, h, w), 0 … 1, or None where everything counts; `time_ids` (rows, 6): SDXL's size conditioning.
    """

    pictures: tuple[int, ...]
    mean: torch.Tensor
    std: torch.Tensor
    mask: torch.Tensor | None
    time_ids: torch.Tensor
