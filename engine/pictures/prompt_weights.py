"""Turns prompts into text embeddings, weighted as AUTOMATIC1111 does. Knows the text encoders, not pictures.

Our own because compel's weighting interpolates towards the empty prompt, which means something else by the same number.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from engine.models import words
from engine.models.machine import Machine
from storage.chunks import in_chunks
from storage.trigger import spelt


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


@dataclass(frozen=True)
class Tokens:
    """Prompts as one text encoder reads them: `ids` and `weights` (N, chunks, chunk_length), with start, end, padding.

    On the CPU, so that nobody who asks what is in them waits for the GPU.
    """

    ids: torch.Tensor
    weights: torch.Tensor


def chunks_of(
    tokenizer: Any, prompt: str, max_tokens: int, spelling: Mapping[str, tuple[int, ...]] | None = None
) -> tuple[Chunk, ...]:
    """The prompt's tokens in chunks that the encoder can take, at least one. `spelling`: words with own ids.

    Raises PromptRefused for more chunks than anybody may ask for.
    """
    comma = tokenizer.convert_tokens_to_ids(",</w>")
    lines = in_chunks(prompt, lambda text: _ids(tokenizer, text, spelling or {}), max_tokens - 2, comma)
    return tuple(Chunk(tuple(token for token, _ in line), tuple(weight for _, weight in line)) for line in lines)


def _ids(tokenizer: Any, text: str, spelling: Mapping[str, tuple[int, ...]]) -> Iterator[int]:
    """The text's token ids; whole words that are spelt otherwise get theirs, whatever their case."""
    for part, trigger in spelt(text, spelling):
        if trigger:
            yield from spelling[trigger]
        else:
            yield from tokenizer(part, add_special_tokens=False, truncation=False, verbose=False).input_ids


def chunk_count(machine: Machine, *prompts: str) -> int:
    """How many chunks the longest of these prompts needs."""
    spelling, tokenizer = words.spelling(machine), machine.tokenizers[0]
    return max(len(chunks_of(tokenizer, prompt, machine.max_tokens, spelling)) for prompt in prompts)


def encode(machine: Machine, prompts: Sequence[str], *, chunks: int | None = None) -> Embeddings:
    """Embeds prompts one by one, so that company changes nothing; all are padded to the same number of chunks.

    Returns hidden (N, chunks * chunk_length, C) on the machine's device in its dtype.
    """
    count = chunks or chunk_count(machine, *prompts)
    tokens = tokens_of(machine, prompts, chunks=count)
    encoded = [_encode_one(machine, tokens, number) for number in range(len(prompts))]
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


def tokens_of(machine: Machine, prompts: Sequence[str], *, chunks: int) -> tuple[Tokens, ...]:
    """The prompts as each text encoder reads them, with the words that are worn, all of `chunks` chunks."""
    return tuple(_tokens(machine, tokenizer, prompts, chunks) for tokenizer in machine.tokenizers)


def _tokens(machine: Machine, tokenizer: Any, prompts: Sequence[str], count: int) -> Tokens:
    size, spelling = machine.chunk_length, words.spelling(machine)
    ids, weights = [], []
    for prompt in prompts:
        chunks = chunks_of(tokenizer, prompt, machine.max_tokens, spelling)
        for chunk in chunks + (Chunk((), ()),) * (count - len(chunks)):
            room = size - 2 - len(chunk.tokens)
            ids.append([tokenizer.bos_token_id, *chunk.tokens, tokenizer.eos_token_id])
            ids[-1] += [tokenizer.pad_token_id] * room
            weights.append([1.0, *chunk.weights, 1.0, *[1.0] * room])
    shape = (len(prompts), count, size)
    return Tokens(torch.tensor(ids).view(shape), torch.tensor(weights).view(shape))


def embed(machine: Machine, tokens: Sequence[Tokens], rows: torch.Tensor) -> Embeddings:
    """Embeds these rows (N,), a CPU tensor, of prompts in one call an encoder, with gradients to what it wears."""
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
    with_states = machine.family == "sdxl"
    with words.understood(machine, encoder, ids) as readable:
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
