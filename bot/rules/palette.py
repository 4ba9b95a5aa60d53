"""How many pictures a palette wants, and what a kept count outside of that means."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from storage.records import Candidate
from storage.states import PaletteKind, Verdict

FEW = 10  # below it a LoRA seldom takes hold
MANY = 50  # above it a LoRA of this size begins to memorise


@dataclass(frozen=True)
class Target:
    """The kept count a kind of palette wants, and how many candidates it takes to get there."""

    least: int
    most: int
    candidates: int


# A style needs variety of subjects more than number; a character needs poses and angles; a thing stands between.
# Candidates: 40–50, so that about four in ten may be kept.
TARGETS = {
    PaletteKind.STYLE: Target(15, 20, 48),
    PaletteKind.CHARACTER: Target(20, 40, 50),
    PaletteKind.CONCEPT: Target(20, 30, 48),
}


class Count(StrEnum):
    """What a kept count is like."""

    NONE = "none"
    FEW = "few"  # below ten
    BELOW = "below"
    RIGHT = "right"
    ABOVE = "above"
    MANY = "many"  # above fifty


def kept(candidates: Iterable[Candidate]) -> list[Candidate]:
    """The palette: the candidates that were kept, in their order."""
    return [candidate for candidate in candidates if candidate.verdict is Verdict.KEPT]


def judge(kind: PaletteKind, count: int) -> Count:
    """What this many kept pictures are like for this kind of palette."""
    target = TARGETS[kind]
    if count == 0:
        return Count.NONE
    if count < target.least:
        return Count.FEW if count < FEW else Count.BELOW
    if count > target.most:
        return Count.MANY if count > MANY else Count.ABOVE
    return Count.RIGHT
