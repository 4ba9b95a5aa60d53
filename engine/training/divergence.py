"""Watches for a training that runs away while its numbers are still numbers."""

from __future__ import annotations

from dataclasses import dataclass

from storage.errors import LossExploded

WORSE = 4.0  # times the lowest grid so far; a training that goes well never rises by half
HEAVIER = 100.0  # times the weights at the start; a thousand steps at the presets' rates make them three times as heavy


@dataclass
class DivergenceCheck:
    """`start_norm`: norm of all that is learnt before step one; `lowest`: the grid's lowest loss so far."""

    start_norm: float
    lowest: float = float("inf")

    def update(self, step: int, grid: float, weight_norm: float) -> None:
        """Raises LossExploded where the grid or the weights are far beyond what they were."""
        # said the other way round, so that what is no number does not pass
        if not (grid <= WORSE * self.lowest and weight_norm <= HEAVIER * self.start_norm):
            raise LossExploded(step=step)
        self.lowest = min(self.lowest, grid)
