"""The resident model: its parts, where they live, and what it says of itself. Loaded once, never again between jobs.

Must not know what is drawn or trained with it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import torch

from engine.models.find import EMBEDDED, FoundModel, find
from engine.models.hardware import MemoryMode, device_name, memory_of, pick_device, pick_dtype, pick_memory
from engine.models.heap import keep_freed_memory
from engine.models.probe import probe
from engine.models.reading import read
from storage.families import FAMILIES, Family
from storage.records import ContentHash, MachineFacts, ModelFacts, pinned

SLICE_VAE_BELOW_BYTES = 6 << 30  # free memory under which the VAE decodes in tiles
READ_CHUNK_BYTES = 1 << 20


@dataclass(eq=False)
class Machine:
    """The model's parts, ready on the device.

    `text_encoders` and `tokenizers` have one entry, SDXL two. `noise_scheduler_config` is the model's own.
    `dtype` is that of U-Net and text encoders; `vae_dtype` may be wider. All parts are frozen and in eval mode.
    """

    name: str
    family: Family
    unet: Any
    vae: Any
    text_encoders: tuple[Any, ...]
    tokenizers: tuple[Any, ...]
    noise_scheduler_config: Mapping[str, Any]
    device: torch.device
    dtype: torch.dtype
    vae_dtype: torch.dtype
    memory_mode: MemoryMode
    weights_sha256: str
    revision: str = ""  # of a hub model, where one was asked for
    zero_empty_negative: bool = False  # SDXL: an empty negative prompt means zeros
    kept: Any = field(default=None, repr=False)  # the pipeline whose offload hooks move the parts

    @classmethod
    def load(cls, name: str = EMBEDDED, *, device: str = "auto", memory: str = "auto") -> Machine:
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
        machine = cls(
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
            kept=pipeline if not mode.is_whole else None,
        )
        probe(machine)
        return machine

    @property
    def pinned_name(self) -> str:
        """The name that finds these very weights again; what pictures and recipes say."""
        return pinned(self.name, self.revision)

    @property
    def latent_scale(self) -> int:
        """Pixels a latent cell stands for, along one side."""
        return int(2 ** (len(self.vae.config.block_out_channels) - 1))

    @property
    def size_px(self) -> int:
        """The side of a picture the model was made for."""
        return int(self.unet.config.sample_size) * self.latent_scale

    @property
    def prediction(self) -> str:
        """`epsilon` or `v_prediction`."""
        return str(self.noise_scheduler_config.get("prediction_type", "epsilon"))

    @property
    def max_tokens(self) -> int:
        """Tokens that a chunk of a prompt may have, with start and end."""
        return int(getattr(self.text_encoders[0].config, "prompt_tokens", self.chunk_length))

    @property
    def chunk_length(self) -> int:
        """Tokens of a chunk with its padding; the embedded model puts padding to use and has more of it than words."""
        return int(self.text_encoders[0].config.max_position_embeddings)

    def tokenizer_json(self) -> bytes:
        """The model's tokenizer as a `tokenizer.json`, for those who must not import transformers.

        Without padding and truncation: those are left over from the last call, and nobody who counts tokens wants them.
        """
        written = json.loads(self.tokenizers[0].backend_tokenizer.to_str())
        return json.dumps({**written, "padding": None, "truncation": None}, ensure_ascii=False).encode()

    def facts(self, engine: str, tokenizer: ContentHash, *, picture: float | None, step: float | None) -> MachineFacts:
        """What the engine publishes of itself; `picture` and `step` are measured seconds."""
        model = ModelFacts(
            name=self.name,
            family=self.family,
            size_px=self.size_px,
            prediction=self.prediction,
            tokenizer=tokenizer,
            max_tokens=self.max_tokens,
            sha256=self.weights_sha256,
            revision=self.revision,
        )
        return MachineFacts(
            engine=engine,
            device=device_name(self.device),
            memory_mode=self.memory_mode.value,
            dtype=str(self.dtype).removeprefix("torch."),
            model=model,
            seconds_per_picture=picture,
            seconds_per_training_step=step,
            memory_bytes=memory_of(self.device),
        )


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
