"""The moving average of what is learnt: steadier than the last step, and what everybody sees between two steps."""

from __future__ import annotations

from collections.abc import Sequence

import torch


class EMA:
    """An exponential moving average of parameters, swapped with them by pointer.

    While a step is taken the parameters hold the weights that learn; between steps they hold the average, so that
    checkpoints, samples and validation need not know of it.
    """

    def __init__(self, parameters: Sequence[torch.nn.Parameter], decay: float) -> None:
        self.parameters, self.decay, self.steps = parameters, decay, 0
        self.shadow = [parameter.detach().clone() for parameter in parameters]  # those of the two not applied now
        self.is_applied = False

    @torch.no_grad()
    def follow(self) -> None:
        """Takes up what the parameters learnt by a step: average ← d · average + (1 - d) · weights.

        d = min(decay, (1 + n) / (10 + n)), so that the first weights, which know nothing, are soon forgotten.
        """
        self.steps += 1
        decay = min(self.decay, (1 + self.steps) / (10 + self.steps))
        torch._foreach_lerp_(self.shadow, [parameter.data for parameter in self.parameters], 1 - decay)

    def apply(self, average: bool) -> None:
        """Puts the average (or the learning weights) into the parameters."""
        if average is self.is_applied:
            return
        for number, parameter in enumerate(self.parameters):
            parameter.data, self.shadow[number] = self.shadow[number], parameter.data
        self.is_applied = average
