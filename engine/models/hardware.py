"""Chooses device, number format and memory mode from what this machine has. Knows sizes in bytes, not models."""

from __future__ import annotations

import os
import platform
from enum import StrEnum

import torch

from storage.errors import RequestError


class MemoryMode(StrEnum):
    """How a model is laid out between GPU and main memory."""

    ALL = "gpu"  # everything stays on the device
    MAIN = "cpu"  # there is no GPU: everything is in main memory
    MODEL = "model-offload"  # one part on the GPU at a time
    SEQUENTIAL = "sequential-offload"  # layer by layer: slow, but runs in about 1 GB

    @property
    def is_whole(self) -> bool:
        """Whether the whole model stays in one place."""
        return self in (MemoryMode.ALL, MemoryMode.MAIN)


ACTIVATIONS_FACTOR = 1.6  # weights plus a batch of four rows and its decode, as measured on SD 1.5 and SDXL by others
UNET_SHARE = 1.2  # model offload needs the largest part and its activations; the U-Net is about 3/4 of the bytes


def pick_device(wanted: str) -> torch.device:
    """`auto` is CUDA, then Apple's MPS, then the CPU. Raises RequestError for one that is not there."""
    if wanted.startswith("cuda") and not torch.cuda.is_available():
        raise RequestError("STYLESEAL_DEVICE asks for CUDA, but torch sees no such GPU. `auto` takes what is there.")
    if wanted != "auto":
        return torch.device(wanted)
    if torch.cuda.is_available():
        return torch.device("cuda")
    if torch.backends.mps.is_available():
        return torch.device("mps")
    return torch.device("cpu")


def pick_dtype(device: torch.device) -> torch.dtype:
    """bf16 where the GPU has it (a training then needs no gradient scaling), fp16 on older ones, fp32 elsewhere."""
    if device.type != "cuda":
        return torch.float32
    return torch.bfloat16 if torch.cuda.is_bf16_supported(including_emulation=False) else torch.float16


def pick_memory(wanted: str, device: torch.device, weights_bytes: int, free_bytes: int | None = None) -> MemoryMode:
    """The fastest mode that fits into free memory; only CUDA can offload."""
    if device.type != "cuda":
        return MemoryMode.MAIN if device.type == "cpu" else MemoryMode.ALL
    if wanted != "auto":
        return MemoryMode(wanted)
    free = torch.cuda.mem_get_info(device)[0] if free_bytes is None else free_bytes
    if weights_bytes * ACTIVATIONS_FACTOR <= free:
        return MemoryMode.ALL
    return MemoryMode.MODEL if weights_bytes * UNET_SHARE <= free else MemoryMode.SEQUENTIAL


def device_name(device: torch.device) -> str:
    """The device in words, e.g. `cuda NVIDIA H200`."""
    if device.type == "cuda":
        return f"cuda {torch.cuda.get_device_name(device)}"
    return f"{device.type} {platform.processor() or platform.machine()}"


def memory_of(device: torch.device) -> int:
    """Bytes of the device's memory in all; main memory where there is no GPU of its own."""
    if device.type == "cuda":
        return int(torch.cuda.get_device_properties(device).total_memory)
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
