"""Turns prompts into text embeddings, weighted as AUTOMATIC1111 does. Knows the text encoders, not pictures.

Our own because compel's weighting interpolates towards the empty prompt, which means something else by the same number.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch

from engine.models.machine import Machine
from engine.pictures.attention_syntax import read_weights

COMMA_BACKTRACK_TOKENS = 20  # A1111's default: a clause cut by a chunk's end moves on whole if its comma is this near
A1111_CHUNK_TOKENS = 75


@dataclass(frozen=True)
class Embeddings:
    """`hidden` (N, T, C) for cross-attention; `pooled` (N, P) for SDXL's size conditioning, else None."""

    hidden: torch.Tensor
    pooled: torch.Tensor | None = None


@dataclass(frozen=True)
class Chunk:
    """At most `max_tokens - 2` tokens of a prompt and the weight of each."""

    tokens: tuple[int, ...]
    weights: tuple[float, ...]


def chunks_of(tokenizer: Any, prompt: str, max_tokens: int) -> tuple[Chunk, ...]:
    """The prompt's tokens in chunks that the encoder can take, at least one."""
    comma = tokenizer.convert_tokens_to_ids(",</w>")
    chunks: list[Chunk] = []
    line: list[tuple[int, float]] = []
    for piece in read_weights(prompt):
        if piece.is_break:
            chunks.append(_chunk(line))
            line = []
            continue
        for token in tokenizer(piece.text, add_special_tokens=False, truncation=False, verbose=False).input_ids:
            if len(line) == max_tokens - 2:
                kept, line = _cut(line, comma)
                chunks.append(_chunk(kept))
            line.append((token, piece.weight))
    if line or not chunks:
        chunks.append(_chunk(line))
    return tuple(chunks)


def _chunk(line: Sequence[tuple[int, float]]) -> Chunk:
    return Chunk(tuple(token for token, _ in line), tuple(weight for _, weight in line))


def _cut(line: list[tuple[int, float]], comma: int) -> tuple[list[tuple[int, float]], list[tuple[int, float]]]:
    """Splits a full line behind its last comma if that is near enough, else at its end."""
    reach = COMMA_BACKTRACK_TOKENS * len(line) // A1111_CHUNK_TOKENS
    for back in range(1, reach + 1):
        if line[-back][0] == comma:
            return line[: len(line) - back + 1], line[len(line) - back + 1 :]
    return line, []


def chunk_count(machine: Machine, *prompts: str) -> int:
    """How many chunks the longest of these prompts needs."""
    return max(len(chunks_of(machine.tokenizers[0], prompt, machine.max_tokens)) for prompt in prompts)


def encode(machine: Machine, prompts: Sequence[str], *, chunks: int | None = None) -> Embeddings:
    """Embeds prompts one by one, so that company changes nothing; all are padded to the same number of chunks.

    Returns hidden (N, chunks * max_tokens, C) on the machine's device in its dtype.
    """
    count = chunks or chunk_count(machine, *prompts)
    encoded = [_encode_one(machine, prompt, count) for prompt in prompts]
    hidden = torch.cat([one.hidden for one in encoded])
    pooled = [one.pooled for one in encoded if one.pooled is not None]
    return Embeddings(hidden, torch.cat(pooled) if pooled else None)


def encode_negative(machine: Machine, negatives: Sequence[str], *, chunks: int) -> Embeddings:
    """Like `encode`, but an empty negative is zeros where the model was trained so (SDXL)."""
    embeddings = encode(machine, negatives, chunks=chunks)
    if not machine.zero_empty_negative or embeddings.pooled is None:
        return embeddings
    said = torch.tensor([bool(negative) for negative in negatives], device=embeddings.hidden.device)
    hidden = embeddings.hidden * said[:, None, None]
    return Embeddings(hidden, embeddings.pooled * said[:, None])


@torch.no_grad()
def _encode_one(machine: Machine, prompt: str, count: int) -> Embeddings:
    hidden: list[torch.Tensor] = []
    pooled: torch.Tensor | None = None
    for tokenizer, encoder in zip(machine.tokenizers, machine.text_encoders, strict=True):
        chunks = chunks_of(tokenizer, prompt, machine.max_tokens)
        chunks += (Chunk((), ()),) * (count - len(chunks))
        outputs = [_encode_chunk(machine, tokenizer, encoder, chunk) for chunk in chunks]
        hidden.append(torch.cat([output[0] for output in outputs], dim=1))
        pooled = outputs[0][1]
    return Embeddings(torch.cat(hidden, dim=-1), pooled)


def _encode_chunk(
    machine: Machine, tokenizer: Any, encoder: Any, chunk: Chunk
) -> tuple[torch.Tensor, torch.Tensor | None]:
    room = machine.max_tokens - 2 - len(chunk.tokens)
    ids = [tokenizer.bos_token_id, *chunk.tokens, tokenizer.eos_token_id, *[tokenizer.pad_token_id] * room]
    weights = [1.0, *chunk.weights, 1.0, *[1.0] * room]
    with_states = machine.family == "sdxl"
    output = encoder(torch.tensor([ids], device=machine.device), output_hidden_states=with_states)
    if with_states:  # both SDXL encoders give their last layer but one; the second also a pooled vector
        pooled = output.text_embeds if hasattr(output, "text_embeds") else None
        return _weighted(output.hidden_states[-2], weights), pooled
    return _weighted(output.last_hidden_state, weights), None


def _weighted(hidden: torch.Tensor, weights: Sequence[float]) -> torch.Tensor:
    """A1111's "original" emphasis: multiply each token's vector, then scale all so that their mean is what it was."""
    if all(weight == 1.0 for weight in weights):
        return hidden
    z = hidden.float()
    weighted = z * torch.tensor(weights, device=z.device)[None, :, None]
    return (weighted * (z.mean() / weighted.mean())).to(hidden.dtype)
