"""Prompts as text encoders read them: chunks of tokens with the emphasis that AUTOMATIC1111's brackets mean."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from engine.models.machine import Machine
from storage.chunks import in_chunks
from storage.trigger import spelt


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
    spelling, tokenizer = machine.bank.tokens.spelling(), machine.tokenizers[0]
    return max(len(chunks_of(tokenizer, prompt, machine.max_tokens, spelling)) for prompt in prompts)


def tokens_of(machine: Machine, prompts: Sequence[str], *, chunks: int) -> tuple[Tokens, ...]:
    """The prompts as each text encoder reads them, with learnt tokens that are active, all of `chunks` chunks."""
    return tuple(_tokens(machine, tokenizer, prompts, chunks) for tokenizer in machine.tokenizers)


def _tokens(machine: Machine, tokenizer: Any, prompts: Sequence[str], count: int) -> Tokens:
    size, spelling = machine.chunk_length, machine.bank.tokens.spelling()
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
