"""Cuts a prompt into chunks that a text encoder can take, and says when they are too many. Pure; obeyed by both sides.

The bot asks before a job is made, with the tokenizer's tokens; the engine asks again, with their ids.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeVar

from storage.attention_syntax import read_weights
from storage.errors import PromptRefused

# Eight are 600 tokens, more than anybody writes; a picture then takes less than twice its time. 66 took five to nine.
MOST_CHUNKS = 8
COMMA_BACKTRACK_TOKENS = 20  # A1111's default: a clause cut by a chunk's end moves on whole if its comma is this near
A1111_CHUNK_TOKENS = 75

Token = TypeVar("Token")
Line = list[tuple[Token, float]]
"""Tokens of one chunk, each with its weight."""


def in_chunks(prompt: str, tokens_of: Callable[[str], Iterable[Token]], room: int, comma: Token) -> list[Line[Token]]:
    """The prompt's weighted tokens in chunks of at most `room`, at least one chunk. `comma`: the token of one.

    Raises PromptRefused for more than MOST_CHUNKS, before the rest is read.
    """
    found: list[Line[Token]] = []
    line: Line[Token] = []
    for piece in read_weights(prompt):
        if piece.is_break:
            _end(line, found)
            line = []
            continue
        for token in tokens_of(piece.text):
            if len(line) == room:
                kept, line = _cut(line, comma)
                _end(kept, found)
            line.append((token, piece.weight))
    if line or not found:
        _end(line, found)
    return found


def _end(line: Line[Token], found: list[Line[Token]]) -> None:
    if len(found) == MOST_CHUNKS:
        raise PromptRefused(most=MOST_CHUNKS)
    found.append(line)


def _cut(line: Line[Token], comma: Token) -> tuple[Line[Token], Line[Token]]:
    """Splits a full line behind its last comma if that is near enough, else at its end."""
    reach = COMMA_BACKTRACK_TOKENS * len(line) // A1111_CHUNK_TOKENS
    for back in range(1, reach + 1):
        if line[-back][0] == comma:
            return line[: len(line) - back + 1], line[len(line) - back + 1 :]
    return line, []
