"""Triggers spelt in learnt tokens (textual inversion, Gal et al. 2022, arXiv 2208.01618): embeddings beside the model.

The text encoders' own tables are never written: the rows are put in their places while an encoder reads.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch

FIRST_LEARNT = 1 << 30  # token ids from here on are rows of active triggers; no vocabulary reaches so far
PLACEHOLDER = 0  # what an encoder is told instead: in every vocabulary, and never the end of a text


@dataclass(frozen=True)
class LearntTokens:
    """A trigger's own tokens: `rows` holds (n, C) fp32 for every text encoder."""

    trigger: str
    rows: tuple[torch.nn.Parameter, ...]


class TokenTable:
    """The learnt tokens of a model by adapter, and those that its text encoders read now."""

    def __init__(self, encoders: Sequence[Any], tokenizers: Sequence[Any], device: torch.device) -> None:
        self.encoders, self.tokenizers, self.device = encoders, tokenizers, device
        self._known: dict[str, LearntTokens] = {}
        self._active: list[tuple[LearntTokens, float]] = []

    def begin(self, name: str, trigger: str, count: int, seed: int) -> None:
        """`count` fresh tokens that mean what the trigger meant so far, the same for the same seed.

        A tenth of the vocabulary's spread of noise lets tokens part that are the same.
        """
        chance = torch.Generator().manual_seed(seed)
        rows = []
        for number, encoder in enumerate(self.encoders):
            own = self._meaning(number, trigger, count)
            noise = torch.randn(own.shape, generator=chance).to(own.device)
            rows.append(own + 0.1 * encoder.get_input_embeddings().weight.float().std() * noise)
        self.put(name, trigger, rows)

    def begin_as(self, name: str, trigger: str, initializer: str, fewest: int) -> None:
        """Fresh tokens that mean what known words mean: as many as those have, `fewest` at least."""
        counts = [len(self._ids(number, initializer)) for number in range(len(self.tokenizers))]
        count = max(fewest, *counts)
        self.put(name, trigger, [self._meaning(number, initializer, count) for number in range(len(self.encoders))])

    def put(self, name: str, trigger: str, rows: Sequence[torch.Tensor]) -> None:
        """Keeps rows (n, C) for every text encoder under an adapter's name, not active yet."""
        self._known[name] = LearntTokens(trigger, tuple(torch.nn.Parameter(one.to(self.device)) for one in rows))

    def fit(self, rows: Sequence[torch.Tensor]) -> bool:
        """Whether rows (n, C) are as many, and as wide, as the text encoders' embeddings."""
        widths = [encoder.get_input_embeddings().weight.shape[1:] for encoder in self.encoders]
        return [one.shape[1:] for one in rows] == widths

    def of(self, name: str) -> LearntTokens | None:
        """The tokens of this adapter, if it has some."""
        return self._known.get(name)

    def drop(self, name: str) -> None:
        """Forgets an adapter's tokens for good."""
        self._known.pop(name, None)

    def activate(self, weights: Mapping[str, float]) -> None:
        """Exactly the tokens of these adapters are read, at their strengths; at 0 a trigger is read as always."""
        known = ((self.of(name), weight) for name, weight in weights.items())
        self._active = [(tokens, weight) for tokens, weight in known if tokens is not None and weight > 0]

    def spelling(self) -> dict[str, tuple[int, ...]]:
        """The active triggers and the token ids that stand for them."""
        found: dict[str, tuple[int, ...]] = {}
        first = FIRST_LEARNT
        for tokens, _ in self._active:
            count = len(tokens.rows[0])
            found[tokens.trigger] = tuple(range(first, first + count))
            first += count
        return found

    @contextmanager
    def readable(self, encoder: Any, ids: torch.Tensor) -> Iterator[torch.Tensor]:
        """The ids (N, T), on the CPU, as this encoder may read them; inside it sees the active rows in their places."""
        learnt = ids >= FIRST_LEARNT
        if not self._active or not bool(learnt.any()):
            yield ids
            return
        number = next(place for place, one in enumerate(self.encoders) if one is encoder)
        table = torch.cat([self._rows(number, tokens, weight) for tokens, weight in self._active])
        rows = table[(ids - FIRST_LEARNT).clamp(min=0).to(table.device, non_blocking=True)]
        places = learnt[..., None].to(table.device, non_blocking=True)

        def swap(_module: Any, _inputs: Any, output: torch.Tensor) -> torch.Tensor:
            return torch.where(places, rows.to(output.dtype), output)

        handle = encoder.get_input_embeddings().register_forward_hook(swap)
        try:
            yield ids.masked_fill(learnt, PLACEHOLDER)
        finally:
            handle.remove()

    def _rows(self, number: int, tokens: LearntTokens, weight: float) -> torch.Tensor:
        """One encoder's rows at a strength: that far from what the trigger means by itself to what it has learnt."""
        learnt = tokens.rows[number]
        if weight == 1:
            return learnt
        return torch.lerp(self._meaning(number, tokens.trigger, len(learnt)), learnt.detach(), weight)

    def _meaning(self, number: int, text: str, count: int) -> torch.Tensor:
        """One encoder's embeddings (count, C) fp32 of a text's tokens, over again where they are fewer."""
        own = self._ids(number, text)
        ids = torch.tensor([own[place % len(own)] for place in range(count)], device=self.device)
        with torch.no_grad():  # asked, not read: under sequential offload the table itself is elsewhere
            found: torch.Tensor = self.encoders[number].get_input_embeddings()(ids).float()
        return found

    def _ids(self, number: int, text: str) -> list[int]:
        found: list[int] = self.tokenizers[number](text, add_special_tokens=False).input_ids
        return found
