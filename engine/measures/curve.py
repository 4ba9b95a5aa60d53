"""What the validation curve of a training says. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from storage.records import LossPoint

FALLING = 0.04  # share of the whole fall that the last quarter still brings: not at the elbow yet
RISING = 0.06  # share by which the end lies above the lowest point


def read_curve(losses: Sequence[LossPoint], *, stopped: bool = False) -> str:
    """good | under | over | stopped."""
    if stopped:
        return "stopped"
    values = [point.validation_loss for point in losses if point.validation_loss is not None]
    if len(values) < 4:
        return "under"
    fall = values[0] - min(values)
    if fall <= 0:
        return "over"
    if (values[-1] - min(values)) / fall > RISING and values.index(min(values)) < len(values) * 3 // 4:
        return "over"
    last_quarter = values[-1 - len(values) // 4] - values[-1]
    return "under" if last_quarter / fall > 3 * FALLING else "good"
