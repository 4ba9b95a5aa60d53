"""The one way to ask U-Net and VAE: in the format that computes, and never with an answer that is no number.

What overflows half precision is asked again in fp32, and stays in fp32 for as long as the process lives: first the VAE,
which is known for it in SDXL, and the U-Net with its text encoders where the latents themselves are no numbers.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Any, Protocol, TypeVar

import structlog
import torch

from storage.errors import ModelNotFinite
from storage.families import Family

Tensors = TypeVar("Tensors", bound=tuple[torch.Tensor, ...])
log = structlog.get_logger("engine")


class Model(Protocol):
    """The parts of a model that are asked, and their formats; `Machine` is one."""

    name: str
    family: Family
    unet: Any
    vae: Any
    text_encoders: tuple[Any, ...]
    tokenizers: tuple[Any, ...]
    device: torch.device
    dtype: torch.dtype
    vae_dtype: torch.dtype

    @property
    def size_px(self) -> int:
        """The side of a picture it was made for."""


class Part(StrEnum):
    """What is widened together."""

    UNET = "unet"  # with the text encoders: they share `Machine.dtype`
    VAE = "vae"


def predict(machine: Model, noisy: torch.Tensor, t: torch.Tensor, condition: Mapping[str, Any]) -> torch.Tensor:
    """The U-Net's answer (B, C, h, w) in `machine.dtype`; `condition` may have been made before it was widened."""
    answer: torch.Tensor = machine.unet(noisy.to(machine.dtype), t, return_dict=False, **_in(condition, machine.dtype))[
        0
    ]
    return answer


def decode(machine: Model, latents: torch.Tensor) -> torch.Tensor:
    """Pixels (N, 3, H, W) in fp32 of latents as the U-Net has them. Raises ModelNotFinite."""
    if not _finite((latents,)):
        raise ModelNotFinite(part=Part.UNET)
    scaled = latents / machine.vae.config.scaling_factor

    def once() -> tuple[torch.Tensor]:
        return (machine.vae.decode(scaled.to(machine.vae_dtype), return_dict=False)[0].float(),)

    return whole(machine, once)[0]


def posterior(machine: Model, pixels: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Mean and deviation (N, C, h, w) in fp32 of pixels in -1 … 1. Raises ModelNotFinite."""

    def once() -> tuple[torch.Tensor, torch.Tensor]:
        found = machine.vae.encode(pixels.to(machine.device, machine.vae_dtype)).latent_dist
        return found.mean.float(), found.std.float()

    return whole(machine, once)


def whole(machine: Model, ask_vae: Callable[[], Tensors]) -> Tensors:
    """What the VAE is asked for, in fp32 where half precision gives no numbers. Raises ModelNotFinite."""
    answer = ask_vae()
    if not _finite(answer) and widen(machine, Part.VAE):
        answer = ask_vae()
    if not _finite(answer):
        raise ModelNotFinite(part=Part.VAE)
    return answer


def widen(machine: Model, part: Part) -> bool:
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


def _finite(tensors: tuple[torch.Tensor, ...]) -> bool:
    return all(bool(torch.isfinite(tensor).all()) for tensor in tensors)


def _in(condition: Mapping[str, Any], dtype: torch.dtype) -> dict[str, Any]:
    return {
        key: _in(value, dtype) if isinstance(value, Mapping) else value.to(dtype) for key, value in condition.items()
    }
