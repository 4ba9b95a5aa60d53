"""The one way to ask the U-Net: in the format that computes, with whatever adapters are active."""

from __future__ import annotations

from typing import Any

import torch

from engine.models.machine import Machine
from engine.models.text.encoder import Embeddings


def predict(
    machine: Machine, noisy: torch.Tensor, t: torch.Tensor, said: Embeddings, time_ids: torch.Tensor
) -> torch.Tensor:
    """The U-Net's answer (B, C, h, w) to noisy latents in `machine.dtype`, which may have changed since `said` was.

    `time_ids` (B, 6): see `size_conditioning`; only SDXL is told.
    """
    conditions: dict[str, Any] = {"encoder_hidden_states": said.hidden.to(machine.dtype)}
    if said.pooled is not None:
        sizes = {"text_embeds": said.pooled.to(machine.dtype), "time_ids": time_ids.to(machine.dtype)}
        conditions["added_cond_kwargs"] = sizes
    answer: torch.Tensor = machine.unet(noisy.to(machine.dtype), t, return_dict=False, **conditions)[0]
    return answer


def size_conditioning(machine: Machine, height_px: int, width_px: int, count: int) -> torch.Tensor:
    """SDXL's `time_ids` (count, 6) of whole pictures that were this large (Podell et al. 2023, arXiv 2307.01952)."""
    size = [height_px, width_px]
    ids = torch.tensor([[*size, 0, 0, *size]], device=machine.device, dtype=machine.dtype)
    return ids.repeat(count, 1)
