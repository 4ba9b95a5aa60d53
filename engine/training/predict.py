"""The U-Net's answer to noisy latents under embeddings, with whatever adapters it wears."""

from __future__ import annotations

from collections.abc import Mapping

import torch

from engine.models import forward
from engine.models.machine import Machine
from engine.pictures.prompt_weights import Embeddings


def predict(
    machine: Machine, noisy: torch.Tensor, t: torch.Tensor, said: Embeddings, time_ids: torch.Tensor
) -> torch.Tensor:
    """The U-Net's answer (B, C, h, w) in the machine's dtype."""
    condition: Mapping[str, object] = {}
    if said.pooled is not None:
        condition = {"added_cond_kwargs": {"text_embeds": said.pooled, "time_ids": time_ids}}
    return forward.predict(machine, noisy, t, {"encoder_hidden_states": said.hidden, **condition})
