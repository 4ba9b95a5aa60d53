"""Loads a model: finds and reads it, places it on the device and tries it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

import torch

from engine.models.allocator import keep_freed_memory
from engine.models.find import EMBEDDED, FoundModel, find
from engine.models.hardware import MemoryMode, pick_device, pick_dtype, pick_memory
from engine.models.machine import Machine
from engine.models.probe import probe
from engine.models.reading import read
from storage.families import FAMILIES, Family

SLICE_VAE_BELOW_BYTES = 6 << 30  # free memory under which the VAE decodes in tiles
READ_CHUNK_BYTES = 1 << 20


def load_model(name: str = EMBEDDED, *, device: str = "auto", memory: str = "auto") -> Machine:
    """Reads the model, places it and tries it. Raises ModelMissing and ModelRefused."""
    found = find(name)
    place = pick_device(device)
    if place.type == "cpu":
        keep_freed_memory()
    pipeline = read(found, pick_dtype(place))
    parts = [part for part in pipeline.components.values() if isinstance(part, torch.nn.Module)]
    for part in parts:
        part.requires_grad_(False).eval()
    family = family_of(found.name, pipeline.unet.config)
    if FAMILIES[family].vae_overflows and pipeline.vae.config.force_upcast and pipeline.vae.dtype == torch.float16:
        pipeline.vae.to(torch.float32)  # else it decodes to black
    weights_bytes = sum(tensor.nbytes for part in parts for tensor in part.parameters())
    mode = pick_memory(memory, place, weights_bytes)
    _place(pipeline, mode, place)
    encoders = (pipeline.text_encoder, getattr(pipeline, "text_encoder_2", None))
    tokenizers = (pipeline.tokenizer, getattr(pipeline, "tokenizer_2", None))
    machine = Machine(
        name=found.name,
        family=family,
        unet=pipeline.unet,
        vae=pipeline.vae,
        text_encoders=tuple(part for part in encoders if part is not None),
        tokenizers=tuple(part for part in tokenizers if part is not None),
        noise_scheduler_config=dict(pipeline.scheduler.config),
        device=place,
        dtype=pipeline.unet.dtype,
        vae_dtype=pipeline.vae.dtype,
        memory_mode=mode,
        weights_sha256=hash_of(found),
        zero_empty_negative=bool(pipeline.config.get("force_zeros_for_empty_prompt", False)),
        revision=found.revision,
        pipeline=pipeline if not mode.is_whole else None,
    )
    probe(machine)
    return machine


def family_of(name: str, unet_config: Mapping[str, Any]) -> Family:
    """The embedded one by name; else by the U-Net: SDXL adds size conditioning, SD 2.x projects linearly."""
    if name == EMBEDDED:
        return Family.EMOJI
    if unet_config.get("addition_embed_type") == "text_time":
        return Family.SDXL
    return Family.SD2 if unet_config.get("use_linear_projection") else Family.SD1


def hash_of(found: FoundModel) -> str:
    """sha256 over the U-Net's files (or the single file), 64 hex digits."""
    digest = hashlib.sha256()
    for path in found.unet_files():
        with path.open("rb") as file:
            while chunk := file.read(READ_CHUNK_BYTES):
                digest.update(chunk)
    return digest.hexdigest()


def _place(pipeline: Any, mode: MemoryMode, device: torch.device) -> None:
    if mode.is_whole:
        pipeline.to(device)
    elif mode is MemoryMode.MODEL:
        pipeline.enable_model_cpu_offload(device=device)
    else:
        pipeline.enable_sequential_cpu_offload(device=device)
    if device.type == "cuda" and torch.cuda.mem_get_info(device)[0] < SLICE_VAE_BELOW_BYTES:
        pipeline.vae.enable_slicing()
        pipeline.vae.enable_tiling()
