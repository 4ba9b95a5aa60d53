"""Which checkpoint to advise: the best measured trade of style gained against prompt kept. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from storage.records import COPIES

SATURATED = 1.0  # style gained that is all of the palette's: more of it is exaggeration
GUESSED = 0.5  # prompt kept (a rank among subjects) where the subject is only guessed
EQUAL = 0.01  # difference in worth that four samples a checkpoint cannot tell from chance


@dataclass(frozen=True)
class Measures:
    """What was measured on a checkpoint."""

    step: int
    style_gained: float
    prompt_kept: float
    copying: float

    @property
    def worth(self) -> float:
        """Style × prompt × own work, each 0 … 1, so that nothing can buy off what is missing elsewhere.

        style = min(gained, 1): what is beyond the palette's own look counts for nothing.
        prompt = (kept - 0.5) / 0.5: a guess is worth nothing, so each word lost costs twice its share of the rank.
        own work = 1 up to a likeness of 0.9 with the nearest palette picture, then down to 0 for a copy.
        """
        style = min(SATURATED, max(0.0, self.style_gained)) / SATURATED
        prompt = max(0.0, self.prompt_kept - GUESSED) / (1 - GUESSED)
        own_work = 1 - max(0.0, self.copying - COPIES) / (1 - COPIES)
        return style * prompt * own_work


def advise(measured: Sequence[Measures]) -> int:
    """The step of the best checkpoint; of equals the earlier, which has memorised less.

    Where nothing was gained at all the one nearest to the palette's style is the least bad.
    """
    best = max(one.worth for one in measured)
    if best <= 0:
        return max(measured, key=lambda one: (one.style_gained, -one.step)).step
    return min(one.step for one in measured if one.worth >= best - EQUAL)
