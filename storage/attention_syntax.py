"""AUTOMATIC1111's attention syntax: read into weighted pieces, made whole, wrapped, taken off. Pure; knows no model.

`(words)` × 1.1, `[words]` ÷ 1.1, both nest; `(words:1.3)` × 1.3; a backslash before a bracket makes it a plain one;
`BREAK` ends a chunk.
A bracket that is never closed weighs all that follows, and a stray closing one is text, as there.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

ROUND_WEIGHT = 1.1
SQUARE_WEIGHT = 1 / 1.1

TOKEN = re.compile(
    r"""
    \\\(|\\\)|\\\[|\\\]|\\\\|\\        # escaped brackets and backslashes
    |\(|\[                             # openings
    |:\s*([+-]?[.\d]+)\s*\)            # the end of (words:1.3)
    |\)|\]                             # closings
    |[^\\()\[\]:]+                     # words
    |:                                 # a colon that is no weight
    """,
    re.VERBOSE,
)
BREAK = re.compile(r"\s*\bBREAK\b\s*")
DECIMAL_COMMA = re.compile(r"([:：]\s*[+-]?\d+),(\d+\s*\))")
WIDE_COLON = re.compile(r"：(?=\s*[+-]?[.\d]+\s*\))")
MOST_WEIGHT = 1000.0  # beyond any use, and still finite in fp16 once it has multiplied an embedding
CLOSED_BY = {"(": ")", "[": "]"}


@dataclass(frozen=True)
class Piece:
    """Words that share a weight; `is_break` ends the chunk instead of saying anything."""

    text: str
    weight: float = 1.0
    is_break: bool = False


def read_weights(prompt: str) -> tuple[Piece, ...]:
    """The prompt as pieces in order; neighbours of one weight are joined. Never refuses a text."""
    found: list[tuple[str, float, bool]] = []
    round_open: list[int] = []
    square_open: list[int] = []
    for match in TOKEN.finditer(prompt):
        _read_token(match, found, round_open, square_open)
    for start in round_open:
        _multiply(found, start, ROUND_WEIGHT)
    for start in square_open:
        _multiply(found, start, SQUARE_WEIGHT)
    return _joined(found) or (Piece(""),)


def weights_spelt(text: str) -> str:
    """(words:1,3), as half of Europe writes numbers, and (words：1.3), as East Asian keyboards do, as (words:1.3)."""
    return WIDE_COLON.sub(":", DECIMAL_COMMA.sub(r"\1.\2", text))


def whole(text: str) -> str:
    """A person's text with every bracket that has no partner made a plain one, so that nothing beyond it is weighed.

    A smiley, a slip or half a list may then stand before, behind or inside other words; a text whose brackets are
    in pairs stays to the letter. A backslash at the end, which says nothing, would escape what follows: it goes. And
    weights are spelt as they are read.
    """
    parts = [match.group(0) for match in TOKEN.finditer(weights_spelt(text))]
    for place in _alone(parts):
        parts[place] = f"{parts[place][:-1]}\\{parts[place][-1]}"
    return "".join(parts[:-1] if parts[-1:] == ["\\"] else parts)


def _alone(parts: Sequence[str]) -> list[int]:
    """Which tokens are brackets without a partner. Round and square ones may cross, as they may when read."""
    found: list[int] = []
    pending: dict[str, list[int]] = {")": [], "]": []}
    for place, part in enumerate(parts):
        if part in CLOSED_BY:
            pending[CLOSED_BY[part]].append(place)
        elif part[-1] in pending and not part.startswith("\\"):
            if pending[part[-1]]:
                pending[part[-1]].pop()
            else:
                found.append(place)
    return [*found, *pending[")"], *pending["]"]]


def weighted(text: str, weight: float) -> str:
    """The whole of a person's text at this weight, whatever brackets it holds: each of its pieces times the weight."""
    return f"({whole(text)}:{weight:.2f})"


def plain(text: str) -> str:
    """What is said to the model, without weights and brackets; escaped brackets are plain ones."""
    return "".join(" BREAK " if piece.is_break else piece.text for piece in read_weights(whole(text)))


def _read_token(
    match: re.Match[str], found: list[tuple[str, float, bool]], round_open: list[int], square_open: list[int]
) -> None:
    text, weight = match.group(0), match.group(1)
    if text.startswith("\\"):
        found.append((text[1:], 1.0, False))
    elif text == "(":
        round_open.append(len(found))
    elif text == "[":
        square_open.append(len(found))
    elif weight is not None and round_open:
        _multiply(found, round_open.pop(), _number(weight))
    elif text == ")" and round_open:
        _multiply(found, round_open.pop(), ROUND_WEIGHT)
    elif text == "]" and square_open:
        _multiply(found, square_open.pop(), SQUARE_WEIGHT)
    else:
        _append_words(text, found)


def _append_words(text: str, found: list[tuple[str, float, bool]]) -> None:
    for number, part in enumerate(BREAK.split(text)):
        if number:
            found.append(("BREAK", 1.0, True))
        found.append((part, 1.0, False))


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:  # "1.2.3" or a lone dot
        return 1.0


def _multiply(found: list[tuple[str, float, bool]], start: int, weight: float) -> None:
    for index in range(start, len(found)):
        text, old, is_break = found[index]
        product = max(-MOST_WEIGHT, min(MOST_WEIGHT, old * weight))
        found[index] = (text, old if is_break else product, is_break)


def _joined(found: list[tuple[str, float, bool]]) -> tuple[Piece, ...]:
    pieces: list[Piece] = []
    for text, weight, is_break in found:
        if not text:
            continue
        last = pieces[-1] if pieces else None
        if last and not is_break and not last.is_break and last.weight == weight:
            pieces[-1] = Piece(last.text + text, weight)
        else:
            pieces.append(Piece(text, weight, is_break))
    return tuple(pieces)
