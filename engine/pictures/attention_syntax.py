"""Reads AUTOMATIC1111's attention syntax into weighted pieces of text. Pure; knows no model.

`(words)` × 1.1, `[words]` ÷ 1.1, both nest; `(words:1.3)` × 1.3; a backslash before a bracket makes it a plain one;
`BREAK` ends a chunk.
A bracket that is never closed weighs all that follows, and a stray closing one is text, as there.
"""

from __future__ import annotations

import re
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
        found[index] = (text, old if is_break else old * weight, is_break)


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
