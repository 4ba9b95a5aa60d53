"""How far a candidate's style is from what was chosen, and which candidates look alike. Numbers only, no words."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from storage.records import Candidate, Picture
from storage.states import Verdict

FAR = 1.0  # unrelated pictures lie about 1 apart in style features
OUTSTANDING = 1.6  # times the median distance of all candidates: what the eye notices among its neighbours
TWIN_BITS = 5  # of a 64-bit perceptual hash: re-encodings and tiny shifts differ by less
TWIN_DISTANCE = 0.25
ENOUGH_TO_COMPARE = 6


@dataclass(frozen=True)
class Drift:
    """`distance` to the middle of pick and kept ones; `closeness` 1 … 0; whether it stands out among all."""

    distance: float
    closeness: float
    stands_out: bool


def drift_of(picture: Picture, pick: Picture | None, candidates: Sequence[Candidate]) -> Drift | None:
    """The drift of one candidate; None where features were not measured."""
    kept = [c.picture for c in candidates if c.verdict is Verdict.KEPT and c.picture.id != picture.id]
    anchors = [p.features for p in ([pick] if pick else []) + kept if p.features]
    if not anchors or not picture.features:
        return None
    middle = [sum(column) / len(anchors) for column in zip(*anchors, strict=True)]
    own = math.dist(picture.features, middle)
    others = sorted(math.dist(c.picture.features, middle) for c in candidates if c.picture.features)
    median = others[len(others) // 2] if others else own
    stands_out = len(others) >= ENOUGH_TO_COMPARE and own > OUTSTANDING * median
    return Drift(own, max(0.0, min(1.0, 1 - own / FAR)), stands_out)


def twin_of(candidate: Candidate, candidates: Sequence[Candidate]) -> Candidate | None:
    """The candidate of a lower number that looks like this one and was not rejected, if there is one."""
    for other in candidates:
        if other.number >= candidate.number:
            return None
        if other.verdict is not Verdict.REJECTED and are_twins(other.picture, candidate.picture):
            return other
    return None


def are_twins(one: Picture, other: Picture) -> bool:
    """Whether hash and, where measured, style features both lie close."""
    if not one.phash or not other.phash:
        return False
    if (int(one.phash, 16) ^ int(other.phash, 16)).bit_count() > TWIN_BITS:
        return False
    return not one.features or not other.features or math.dist(one.features, other.features) < TWIN_DISTANCE
