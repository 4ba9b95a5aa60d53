"""One small pass through every part of a model: what can be loaded but cannot draw is refused before anybody waits."""

from __future__ import annotations

from typing import Any

import torch

from engine.models.faults import refusal
from engine.models.forward import Model, Part, decode, posterior, predict, widen
from storage.errors import ModelNotFinite
from storage.states import ModelFault

SMALLEST_CELLS = 8  # of a side; a U-Net with three downsamplers halves it to one
TIMESTEP = 500
WORD = "a"


@torch.no_grad()
def probe(machine: Model) -> None:
    """Reads a word, denoises and decodes a tiny picture and looks at it. Raises ModelRefused."""
    try:
        latents = _answer(machine)
        if not bool(torch.isfinite(latents).all()) and widen(machine, Part.UNET):
            latents = _answer(machine)
        posterior(machine, decode(machine, latents).clamp(-1, 1))
    except ModelNotFinite as error:
        raise refusal(ModelFault.NOT_FINITE, machine.name) from error
    except torch.OutOfMemoryError:
        raise
    except (RuntimeError, ValueError, TypeError, AttributeError, IndexError) as error:
        raise refusal(ModelFault.MISMATCHED, machine.name) from error


def _answer(machine: Model) -> torch.Tensor:
    cells = max(SMALLEST_CELLS, 2 ** (len(machine.unet.config.block_out_channels) - 1))
    shape = (1, int(machine.unet.config.in_channels), cells, cells)
    noise = torch.randn(shape, generator=torch.Generator().manual_seed(0)).to(machine.device)
    t = torch.tensor([TIMESTEP], device=machine.device)
    return predict(machine, noise, t, _condition(machine)).float()


def _condition(machine: Model) -> dict[str, Any]:
    """What the model understands by a word, as it is told to the U-Net."""
    hidden, pooled = [], None
    for tokenizer, encoder in zip(machine.tokenizers, machine.text_encoders, strict=True):
        length = int(encoder.config.max_position_embeddings)
        ids = tokenizer(WORD, padding="max_length", max_length=length, truncation=True, return_tensors="pt").input_ids
        said = encoder(ids.to(machine.device), output_hidden_states=True)
        hidden.append(said.hidden_states[-2] if machine.family == "sdxl" else said.last_hidden_state)
        pooled = getattr(said, "text_embeds", None)
    condition: dict[str, Any] = {"encoder_hidden_states": torch.cat(hidden, dim=-1)}
    if machine.family == "sdxl":
        size = float(machine.size_px)
        ids = torch.tensor([[size, size, 0.0, 0.0, size, size]], device=machine.device)
        condition["added_cond_kwargs"] = {"text_embeds": pooled, "time_ids": ids}
    return condition
