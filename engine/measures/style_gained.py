"""How much of the palette's style drawn pictures have: 0 like the base model's, 1 like the palette's own. Pure.

Each picture's distance to the palette is held against how far the palette's pictures lie from each other, so that 1 is
reached by pictures of the palette's look whatever their number and subjects. An energy distance (Székely & Rizzo 2013)
would also ask how far the drawn ones lie from each other, which four samples of four subjects cannot tell: it gave
checkpoints 0.1 to 0.3 that had gained 0.8 to 0.9 (docs/training.md).
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

from engine.measures.style_features import distance

Features = Sequence[float]

NEARLY_NOTHING = 0.05  # distance from the palette's spread below which the base as good as draws its style already


def mean_distance(picture: Features, palette: Sequence[Features]) -> float:
    """Mean distance of a picture to the palette's pictures."""
    return sum(distance(picture, other) for other in palette) / len(palette)


def spread(pictures: Sequence[Features]) -> float:
    """Mean distance of pictures to each other."""
    pairs = list(combinations(pictures, 2))
    return sum(distance(left, right) for left, right in pairs) / len(pairs) if pairs else 0.0


def style_gained(base: Sequence[Features], drawn: Sequence[Features], palette: Sequence[Features]) -> float:
    """The share of the palette's style that drawn pictures have gained over the base's, -1 … 1.2."""
    before, after = (sum(mean_distance(one, palette) for one in some) / len(some) for some in (base, drawn))
    return gained(before, after, spread(palette))


def gained(before: float, after: float, own: float) -> float:
    """(before - after) / (before - own), clipped to -1 … 1.2: mean distances, and the palette's spread."""
    return max(-1.0, min(1.2, (before - after) / max(before - own, NEARLY_NOTHING)))
