"""An adapter as bytes: safetensors with PEFT's keys, and its shape in the header.

The U-Net's keys are bare; the text encoders' begin with `text_encoder.` and `text_encoder_2.`, and the embeddings of a
learnt trigger are `word.0` and `word.1`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import torch
from safetensors.torch import load, save

from engine.models.adapters.shape import Shape
from storage.errors import FileDamaged

HEADER = "styleseal.adapter"
TEXT_PREFIXES = ("text_encoder", "text_encoder_2")
TOKENS = "word."


@dataclass(frozen=True)
class AdapterFile:
    """`lora`: tensors by layer. `tokens`: embeddings (n, C) of the trigger, one tensor a text encoder, or none."""

    shape: Shape
    lora: Mapping[str, torch.Tensor]
    trigger: str = ""
    tokens: tuple[torch.Tensor, ...] = ()


def write(adapter: AdapterFile) -> bytes:
    """The same adapter gives the same bytes."""
    tensors = {**adapter.lora, **{f"{TOKENS}{number}": rows for number, rows in enumerate(adapter.tokens)}}
    facts = asdict(adapter.shape) | ({"trigger": adapter.trigger} if adapter.tokens else {})
    ordered = {key: tensors[key].detach().float().cpu().contiguous() for key in sorted(tensors)}
    data: bytes = save(ordered, metadata={HEADER: json.dumps(facts, sort_keys=True)})
    return data


def read(data: bytes) -> AdapterFile:
    """What `write` wrote. Raises FileDamaged for anything else."""
    try:
        facts = _header(data)
        trigger = str(facts.pop("trigger", ""))
        shape = Shape(**{**facts, "targets": tuple(facts["targets"])})
        tensors: dict[str, torch.Tensor] = load(data)
    except (KeyError, ValueError, TypeError) as error:
        raise FileDamaged from error
    tokens = tuple(tensors.pop(key) for key in sorted(tensors) if key.startswith(TOKENS))
    return AdapterFile(shape, tensors, trigger, tokens)


def _header(data: bytes) -> dict[str, Any]:
    length = int.from_bytes(data[:8], "little")
    facts: dict[str, Any] = json.loads(json.loads(data[8 : 8 + length])["__metadata__"][HEADER])
    return facts
