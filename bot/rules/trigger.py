"""Whether a word makes a good trigger: rare to the model, meaning nothing. Tokenizer and lists are handed in."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

SHAPE = re.compile(r"[a-z][a-z0-9]{2,15}")  # what every tokenizer reads the same, and a button can carry


class Reading(StrEnum):
    """What kind of trigger a word is."""

    GOOD = "good"
    SHAPE = "shape"  # not 3–16 small Latin letters and digits
    MEANS = "means"  # known to mean something to Stable Diffusion: refused
    COMMON = "common"  # the tokenizer knows it as one token: warned about
    ENGLISH = "english"  # an English word: warned about


REFUSED = frozenset({Reading.SHAPE, Reading.MEANS})


class Encoding(Protocol):
    """What `tokenizers.Tokenizer.encode` gives."""

    @property
    def tokens(self) -> list[str]:
        """The tokens, in order."""


class Tokenizer(Protocol):
    """The one call we need of `tokenizers.Tokenizer`."""

    def encode(self, sequence: str, *, add_special_tokens: bool) -> Encoding:
        """The tokens of a text."""


@dataclass(frozen=True)
class Trigger:
    """A word and what was found out about it."""

    word: str
    reading: Reading
    tokens: tuple[str, ...] = ()  # as the tokenizer cuts it; empty without one
    meaning: str = ""

    @property
    def is_refused(self) -> bool:
        """Whether it may not be used at all."""
        return self.reading in REFUSED


def read_trigger(
    text: str, tokenizer: Tokenizer | None, meanings: Mapping[str, str], english: Collection[str]
) -> Trigger:
    """What a word would be like as a trigger."""
    word = text.strip().lower()
    if not SHAPE.fullmatch(word):
        return Trigger(word[:32], Reading.SHAPE)
    tokens = tokens_of(word, tokenizer)
    if word in meanings:
        return Trigger(word, Reading.MEANS, tokens, meanings[word])
    if word in english:
        return Trigger(word, Reading.ENGLISH, tokens)
    if len(tokens) == 1:
        return Trigger(word, Reading.COMMON, tokens)
    return Trigger(word, Reading.GOOD, tokens)


def tokens_of(text: str, tokenizer: Tokenizer | None) -> tuple[str, ...]:
    """A text as the model's tokenizer cuts it, without its marks for word ends."""
    if tokenizer is None:
        return ()
    tokens = tokenizer.encode(text, add_special_tokens=False).tokens
    return tuple(token.replace("</w>", "").replace("Ġ", "") for token in tokens if not token.startswith("<|"))
