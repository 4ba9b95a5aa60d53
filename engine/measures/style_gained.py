"""How much of the palette's style drawn pictures have: 0 like the base model's, 1 like the palette's own. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

from engine.measures.style_features import distance

Features = Sequence[float]


def mean_distance(picture: Features, palette: Sequence[Features]) -> float:
    """Mean distance of a picture to the palette's pictures."""
    return sum(distance(picture, other) for other in palette) / len(palette)


def spread(palette: Sequence[Features]) -> float:
    """Mean distance of the palette's pictures to each other."""
    pairs = list(combinations(palette, 2))
    return sum(distance(left, right) for left, right in pairs) / len(pairs) if pairs else 0.0


def style_gained(base: Sequence[Features], drawn: Sequence[Features], palette: Sequence[Features]) -> float:
    """(D_base - D_drawn) / (D_base - D_palette), clipped to -1 … 1.2; D is the mean distance to the palette."""
    base_distance = sum(mean_distance(one, palette) for one in base) / len(base)
    drawn_distance = sum(mean_distance(one, palette) for one in drawn) / len(drawn)
    whole = base_distance - spread(palette)
    if whole <= 1e-6:  # the base model draws the palette's style already
        return 0.0
    return max(-1.0, min(1.2, (base_distance - drawn_distance) / whole))
