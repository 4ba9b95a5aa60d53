"""How much of the palette's style drawn pictures have: 0 like the base model's, 1 like the palette's own. Pure.

Sets of pictures are compared by their energy distance (Székely & Rizzo 2013, "Energy statistics"): it is about zero for
two sets of one look whatever their subjects, so that 1 can be reached and a set's own spread is not held against it.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations, product

from engine.measures.style_features import distance

Features = Sequence[float]

NEARLY_NOTHING = 0.1  # energy distance below which the base model as good as draws the palette's style already


def mean_distance(picture: Features, palette: Sequence[Features]) -> float:
    """Mean distance of a picture to the palette's pictures."""
    return sum(distance(picture, other) for other in palette) / len(palette)


def spread(pictures: Sequence[Features]) -> float:
    """Mean distance of pictures to each other."""
    pairs = list(combinations(pictures, 2))
    return sum(distance(left, right) for left, right in pairs) / len(pairs) if pairs else 0.0


def energy_distance(left: Sequence[Features], right: Sequence[Features]) -> float:
    """2 E‖X - Y‖ - E‖X - X'‖ - E‖Y - Y'‖, each mean over different pictures; about 0 for sets of one look."""
    between = sum(distance(one, other) for one, other in product(left, right)) / (len(left) * len(right))
    return 2 * between - spread(left) - spread(right)


def style_gained(base: Sequence[Features], drawn: Sequence[Features], palette: Sequence[Features]) -> float:
    """(D_base - D_drawn) / D_base, clipped to -1 … 1.2; D is the energy distance to the palette."""
    before, after = energy_distance(base, palette), energy_distance(drawn, palette)
    return max(-1.0, min(1.2, (before - after) / max(before, NEARLY_NOTHING)))
