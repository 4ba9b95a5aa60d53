"""Which checkpoint to advise: the best measured trade of style gained against prompt kept. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

COPIES = 0.9  # likeness to a palette picture from which on it is held against a checkpoint


@dataclass(frozen=True)
class Measures:
    """What was measured on a checkpoint."""

    step: int
    style_gained: float
    prompt_kept: float
    copying: float

    @property
    def worth(self) -> float:
        """Harmonic mean of style and prompt: neither can buy the other off; copies cost."""
        style, prompt = max(0.0, self.style_gained), max(0.0, self.prompt_kept)
        mean = 2 * style * prompt / (style + prompt) if style + prompt else 0.0
        return mean - max(0.0, self.copying - COPIES)


def advise(measured: Sequence[Measures]) -> int:
    """The step of the best checkpoint; of equals the earlier one."""
    return max(measured, key=lambda one: (round(one.worth, 3), -one.step)).step
