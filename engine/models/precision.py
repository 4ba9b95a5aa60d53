"""What overflows half precision computes in fp32, for as long as the process lives.

First the VAE, which is known for it in SDXL, and the U-Net with its text encoders where latents are no numbers.
"""

from __future__ import annotations

from enum import StrEnum

import structlog
import torch

from engine.models.machine import Machine

log = structlog.get_logger("engine")


class Part(StrEnum):
    """What is widened together."""

    UNET = "unet"  # with the text encoders: they share `Machine.dtype`
    VAE = "vae"


def widen(machine: Machine, part: Part) -> bool:
    """Puts a part into fp32; False where it is so already. Where that does not fit, it is as before, and OOM raised."""
    before = machine.vae_dtype if part is Part.VAE else machine.dtype
    if before is torch.float32:
        return False
    modules = (machine.vae,) if part is Part.VAE else (machine.unet, *machine.text_encoders)
    log.warning("overflow, goes on in fp32", part=part.value, model=machine.name)
    try:
        _cast(modules, before, torch.float32)
    except torch.OutOfMemoryError:
        _cast(modules, torch.float32, before)
        raise
    if part is Part.VAE:
        machine.vae_dtype = torch.float32
    else:
        machine.dtype = torch.float32
    return True


def _cast(modules: tuple[torch.nn.Module, ...], old: torch.dtype, new: torch.dtype) -> None:
    """Tensor by tensor, so that no part is held twice. What learns is an adapter's, in fp32 already."""
    for module in modules:
        for tensor in (*module.parameters(), *module.buffers()):
            if tensor.dtype is old and not tensor.requires_grad:
                tensor.data = tensor.data.to(new)


def are_finite(*tensors: torch.Tensor) -> bool:
    """Whether all that is in them are numbers. Waits for the GPU."""
    return all(bool(torch.isfinite(tensor).all()) for tensor in tensors)
