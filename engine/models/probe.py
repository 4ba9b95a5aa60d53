"""One small pass through every part of a model: what can be loaded but cannot draw is refused before anybody waits."""

from __future__ import annotations

import torch

from engine.models import vae
from engine.models.faults import refusal
from engine.models.machine import Machine
from engine.models.precision import Part, are_finite, widen
from engine.models.text.encoder import encode
from engine.models.unet import predict, size_conditioning
from storage.errors import ModelNotFinite
from storage.states import ModelFault

SMALLEST_CELLS = 8  # of a side; a U-Net with three downsamplers halves it to one
TIMESTEP = 500
WORD = "a"


@torch.no_grad()
def probe(machine: Machine) -> None:
    """Reads a word, denoises and decodes a tiny picture and looks at it. Raises ModelRefused."""
    try:
        latents = _answer(machine)
        if not are_finite(latents) and widen(machine, Part.UNET):
            latents = _answer(machine)
        vae.encode(machine, vae.decode(machine, latents).clamp(-1, 1))
    except ModelNotFinite as error:
        raise refusal(ModelFault.NOT_FINITE, machine.name) from error
    except torch.OutOfMemoryError:
        raise
    except (RuntimeError, ValueError, TypeError, AttributeError, IndexError) as error:
        raise refusal(ModelFault.MISMATCHED, machine.name) from error


def _answer(machine: Machine) -> torch.Tensor:
    cells = max(SMALLEST_CELLS, 2 ** (len(machine.unet.config.block_out_channels) - 1))
    shape = (1, int(machine.unet.config.in_channels), cells, cells)
    noise = torch.randn(shape, generator=torch.Generator().manual_seed(0)).to(machine.device)
    t = torch.tensor([TIMESTEP], device=machine.device)
    sizes = size_conditioning(machine, machine.size_px, machine.size_px, 1)
    return predict(machine, noise, t, encode(machine, [WORD]), sizes).float()
