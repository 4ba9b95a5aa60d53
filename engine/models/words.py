"""Words that a seal taught the text encoders: rows of embeddings beside the model, worn with the seal, never in it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from weakref import WeakKeyDictionary

import torch

from engine.models.machine import Machine

FIRST_LEARNT = 1 << 30  # token ids from here on are rows of the worn words; no vocabulary reaches so far
PLACEHOLDER = 0  # what an encoder is told instead: in every vocabulary, and never the end of a text


@dataclass(frozen=True)
class Word:
    """A trigger spelt in embeddings of its own: `rows` holds (n, C) fp32 for every text encoder."""

    trigger: str
    rows: tuple[torch.nn.Parameter, ...]


_known: WeakKeyDictionary[Machine, dict[str, Word]] = WeakKeyDictionary()
_worn: WeakKeyDictionary[Machine, tuple[Word, ...]] = WeakKeyDictionary()


def begin(machine: Machine, name: str, trigger: str, count: int, seed: int) -> None:
    """A fresh word of `count` tokens that means what the trigger meant so far, the same for the same seed.

    A tenth of the vocabulary's spread of noise lets tokens part that are the same.
    """
    chance = torch.Generator().manual_seed(seed)
    rows = []
    for encoder, own in zip(machine.text_encoders, meaning(machine, trigger, count), strict=True):
        noise = torch.randn(own.shape, generator=chance).to(own.device)
        rows.append(torch.nn.Parameter(own + 0.1 * encoder.get_input_embeddings().weight.float().std() * noise))
    know(machine, name, Word(trigger, tuple(rows)))


def begin_as(machine: Machine, name: str, trigger: str, initializer: str, fewest: int) -> None:
    """A fresh word that means what known words mean (the initializer of Gal et al. 2022, arXiv 2208.01618).

    It has as many tokens as they have, `fewest` at least.
    """
    counts = [len(_ids(tokenizer, initializer)) for tokenizer in machine.tokenizers]
    rows = meaning(machine, initializer, max(fewest, *counts))
    know(machine, name, Word(trigger, tuple(torch.nn.Parameter(one) for one in rows)))


def meaning(machine: Machine, text: str, count: int) -> list[torch.Tensor]:
    """Embeddings (count, C) fp32 of a text's tokens for every text encoder, over again where they are fewer."""
    found = []
    for tokenizer, encoder in zip(machine.tokenizers, machine.text_encoders, strict=True):
        own = _ids(tokenizer, text)
        ids = torch.tensor([own[number % len(own)] for number in range(count)], device=machine.device)
        with torch.no_grad():  # asked, not read: under sequential offload the table itself is elsewhere
            found.append(encoder.get_input_embeddings()(ids).float())
    return found


def _ids(tokenizer: Any, text: str) -> list[int]:
    found: list[int] = tokenizer(text, add_special_tokens=False).input_ids
    return found


def know(machine: Machine, name: str, word: Word) -> None:
    """Keeps a word under an adapter's name, not worn yet."""
    _known.setdefault(machine, {})[name] = word


def fits(machine: Machine, rows: Sequence[torch.Tensor]) -> bool:
    """Whether rows (n, C) are as many, and as wide, as the text encoders' embeddings."""
    widths = [encoder.get_input_embeddings().weight.shape[1:] for encoder in machine.text_encoders]
    return [one.shape[1:] for one in rows] == widths


def of(machine: Machine, name: str) -> Word | None:
    """The word of this adapter, if it has one."""
    return _known.get(machine, {}).get(name)


def forget(machine: Machine, name: str) -> None:
    """Takes a word away for good."""
    _known.get(machine, {}).pop(name, None)


@contextmanager
def worn(machine: Machine, weights: Mapping[str, float]) -> Iterator[None]:
    """Exactly the words of these adapters are understood while the context is open, at their strengths."""
    before = _worn.get(machine, ())
    found = ((of(machine, name), weight) for name, weight in weights.items())
    _worn[machine] = tuple(_at(machine, word, weight) for word, weight in found if word is not None)
    try:
        yield
    finally:
        _worn[machine] = before


def _at(machine: Machine, word: Word, weight: float) -> Word:
    """The word at a strength: that far from what its trigger means by itself to what it has learnt."""
    if weight == 1:
        return word
    own = meaning(machine, word.trigger, len(word.rows[0]))
    rows = (torch.lerp(before, learnt.detach(), weight) for before, learnt in zip(own, word.rows, strict=True))
    return Word(word.trigger, tuple(torch.nn.Parameter(one) for one in rows))


def spelling(machine: Machine) -> dict[str, tuple[int, ...]]:
    """The worn triggers and the token ids that stand for them."""
    found: dict[str, tuple[int, ...]] = {}
    first = FIRST_LEARNT
    for word in _worn.get(machine, ()):
        count = len(word.rows[0])
        found[word.trigger] = tuple(range(first, first + count))
        first += count
    return found


@contextmanager
def understood(machine: Machine, encoder: Any, ids: torch.Tensor) -> Iterator[torch.Tensor]:
    """The ids (N, T), on the CPU, as this encoder may read them; inside it sees the worn rows in their places."""
    learnt = ids >= FIRST_LEARNT
    words = _worn.get(machine, ())
    if not words or not bool(learnt.any()):
        yield ids
        return
    number = next(place for place, one in enumerate(machine.text_encoders) if one is encoder)
    table = torch.cat([word.rows[number] for word in words])
    rows = table[(ids - FIRST_LEARNT).clamp(min=0).to(table.device, non_blocking=True)]
    places = learnt[..., None].to(table.device, non_blocking=True)

    def swap(_module: Any, _inputs: Any, output: torch.Tensor) -> torch.Tensor:
        return torch.where(places, rows.to(output.dtype), output)

    handle = encoder.get_input_embeddings().register_forward_hook(swap)
    try:
        yield ids.masked_fill(learnt, PLACEHOLDER)
    finally:
        handle.remove()
