"""The resident model: its parts, where they live, and what it says of itself. Loaded once for all jobs.

Must not know what is drawn or trained with it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import torch

from engine.models.adapters.bank import Bank
from engine.models.hardware import MemoryMode, device_name, memory_of
from storage.families import Family
from storage.records import ContentHash, MachineFacts, ModelFacts, pinned


@dataclass(eq=False)
class Machine:
    """The model's parts, ready on the device.

    `text_encoders` and `tokenizers` have one entry, SDXL two. `noise_scheduler_config` is the model's own.
    `dtype` is that of U-Net and text encoders; `vae_dtype` may be wider. All parts are frozen and in eval mode;
    what is learnt lies beside them, in `bank`.
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
    pipeline: Any = field(default=None, repr=False)  # kept where its offload hooks move the parts
    bank: Bank = field(init=False, repr=False)
    style_scale: tuple[torch.Tensor, ...] | None = field(default=None, init=False, repr=False)  # see measures

    def __post_init__(self) -> None:
        self.bank = Bank(self.unet, self.text_encoders, self.tokenizers, self.device)

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
