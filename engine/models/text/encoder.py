"""Turns prompts into text embeddings, with emphasis as AUTOMATIC1111 does it.

Our own because compel's weighting interpolates towards the empty prompt, which means something else by the same number.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch

from engine.models.machine import Machine
from engine.models.text.prompts import Tokens, chunk_count, tokens_of
from storage.families import FAMILIES


@dataclass(frozen=True)
class Embeddings:
    """`hidden` (N, T, C) for cross-attention; `pooled` (N, P) for SDXL's size conditioning, else None."""

    hidden: torch.Tensor
    pooled: torch.Tensor | None = None

    def __getitem__(self, rows: torch.Tensor | Sequence[int] | slice) -> Embeddings:
        """These rows of it."""
        return Embeddings(self.hidden[rows], None if self.pooled is None else self.pooled[rows])

    def __len__(self) -> int:
        return len(self.hidden)

    @classmethod
    def joined(cls, parts: Sequence[Embeddings]) -> Embeddings:
        """The rows of all parts, which are of one model and of the same number of chunks."""
        pooled = [part.pooled for part in parts if part.pooled is not None]
        return cls(torch.cat([part.hidden for part in parts]), torch.cat(pooled) if pooled else None)


def encode(machine: Machine, prompts: Sequence[str], *, chunks: int | None = None) -> Embeddings:
    """Embeds prompts one by one, so that company changes nothing; all are padded to the same number of chunks.

    Returns hidden (N, chunks * chunk_length, C) on the machine's device in its dtype.
    """
    count = chunks or chunk_count(machine, *prompts)
    tokens = tokens_of(machine, prompts, chunks=count)
    return Embeddings.joined([_encode_one(machine, tokens, number) for number in range(len(prompts))])


def encode_negative(machine: Machine, negatives: Sequence[str], *, chunks: int) -> Embeddings:
    """Like `encode`, but an empty negative is zeros where the model was trained so (SDXL)."""
    embeddings = encode(machine, negatives, chunks=chunks)
    if not machine.zero_empty_negative or embeddings.pooled is None:
        return embeddings
    said = torch.tensor([bool(negative) for negative in negatives], device=embeddings.hidden.device)
    hidden = embeddings.hidden * said[:, None, None]
    return Embeddings(hidden, embeddings.pooled * said[:, None])


def embed(machine: Machine, tokens: Sequence[Tokens], rows: torch.Tensor) -> Embeddings:
    """Embeds these rows (N,), a CPU tensor, of prompts in one call an encoder, with gradients to active adapters."""
    hidden, pooled = [], None
    for encoder, one in zip(machine.text_encoders, tokens, strict=True):
        ids, weights = one.ids[rows], one.weights[rows]
        found, pools = _forward(machine, encoder, ids.flatten(0, 1), weights.flatten(0, 1))
        hidden.append(found.view(len(rows), -1, found.shape[-1]))
        pooled = None if pools is None else pools.view(len(rows), ids.shape[1], -1)[:, 0]
    return Embeddings(torch.cat(hidden, dim=-1), pooled)


@torch.no_grad()
def _encode_one(machine: Machine, tokens: Sequence[Tokens], number: int) -> Embeddings:
    hidden: list[torch.Tensor] = []
    pooled: torch.Tensor | None = None
    for encoder, one in zip(machine.text_encoders, tokens, strict=True):
        chunks = zip(one.ids[number], one.weights[number], strict=True)
        outputs = [_forward(machine, encoder, ids[None], weights[None]) for ids, weights in chunks]
        hidden.append(torch.cat([output[0] for output in outputs], dim=1))
        pooled = outputs[0][1]
    return Embeddings(torch.cat(hidden, dim=-1), pooled)


def _forward(
    machine: Machine, encoder: Any, ids: torch.Tensor, weights: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor | None]:
    """Hidden states (N, T, C) of chunks (N, T), weighted, and the pooled vectors (N, P) of SDXL's second encoder."""
    with_states = FAMILIES[machine.family].knows_sizes
    with machine.bank.tokens.readable(encoder, ids) as readable:
        output = encoder(readable.to(machine.device, non_blocking=True), output_hidden_states=with_states)
    if with_states:  # both SDXL encoders give their last layer but one; the second also a pooled vector
        pooled = output.text_embeds if hasattr(output, "text_embeds") else None
        return _weighted(output.hidden_states[-2], weights), pooled
    return _weighted(output.last_hidden_state, weights), None


def _weighted(hidden: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
    """A1111's "original" emphasis: multiply each token's vector, then scale all so that their mean is what it was."""
    if bool((weights == 1.0).all()):
        return hidden
    z = hidden.float()
    weighted = z * weights[..., None].to(z.device)
    return (weighted * (z.mean(dim=(1, 2), keepdim=True) / weighted.mean(dim=(1, 2), keepdim=True))).to(hidden.dtype)
