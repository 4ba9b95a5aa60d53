"""What the validation curve and the checkpoints' measures say of a training. Pure.

The curve is read through a running median, and a change counts only when it is larger than the curve's own wander.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import fmean, median

from engine.measures.checkpoint_choice import Measures
from storage.records import COPIES, LossPoint
from storage.states import Diagnosis

STILL_FALLING = 0.12  # share of the whole fall that the last quarter brings while a curve is not at its elbow yet
RISING = 0.06  # share by which the end lies above the lowest point
HARDLY = 0.03  # share of its start by which a curve must fall; a rate fifty times too low falls by 0.019
BEYOND_WANDER = 2.0  # standard deviations: what wanders by chance crosses them once in twenty
BENT = 0.1  # share of the fall by which a curve must hang below its chord to have an elbow
FEWEST = 4  # points of a curve that says anything
FORGOTTEN = 0.1  # of the prompt kept: a fifth of what lies between guessing (0.5) and knowing (1)


def diagnose(losses: Sequence[LossPoint], measured: Sequence[Measures], *, stopped: bool = False) -> Diagnosis:
    """What to say of a training. The grid is of palette pictures; the samples see further."""
    if stopped:
        return Diagnosis.STOPPED
    reading = read_curve(losses)
    return Diagnosis.OVER if reading is not Diagnosis.BURNT and memorises(measured) else reading


def read_curve(losses: Sequence[LossPoint]) -> Diagnosis:
    """What the curve alone says: neither stopped nor blown."""
    values = [value for _, value in _points(losses)]
    if len(values) < FEWEST:
        return Diagnosis.UNDER
    smooth, noise = _smoothed(values), BEYOND_WANDER * wander(values)
    low, end = min(smooth), fmean(smooth[-2:])
    fall = smooth[0] - low
    if end - values[0] > max(RISING * values[0], noise):
        return Diagnosis.BURNT
    if end - low > max(RISING * fall, noise) and smooth.index(low) < len(smooth) * 3 // 4:
        return Diagnosis.OVER
    if fall <= max(HARDLY * smooth[0], noise):
        return Diagnosis.FLAT
    last_quarter = smooth[-1 - max(1, len(smooth) // 4)] - end
    return Diagnosis.UNDER if last_quarter > max(STILL_FALLING * fall, noise) else Diagnosis.GOOD


def elbow(losses: Sequence[LossPoint]) -> int:
    """The step at which the curve hangs furthest below its chord (Satopää et al. 2011, Kneedle); 0 for none."""
    points = _points(losses)
    if len(points) < FEWEST:
        return 0
    steps, smooth = [step for step, _ in points], _smoothed([value for _, value in points])
    last = smooth.index(min(smooth))  # a curve that turns up again is read to its lowest point
    fall = smooth[0] - smooth[last]
    if last < 2 or smooth[last] >= points[0][1] or fall <= BEYOND_WANDER * wander(smooth):
        return 0
    slope = -fall / (steps[last] - steps[0])
    below = [smooth[0] + slope * (step - steps[0]) - value for step, value in zip(steps, smooth, strict=True)]
    deepest = max(range(last + 1), key=lambda place: below[place])
    return steps[deepest] if below[deepest] > BENT * fall else 0


def memorises(measured: Sequence[Measures]) -> bool:
    """Whether the last checkpoint copies the palette, or lost the words that an earlier one still followed."""
    if len(measured) < 2:
        return False
    *earlier, last = sorted(measured, key=lambda one: one.step)
    copies = last.copying > COPIES and last.copying > min(one.copying for one in earlier)
    return copies or max(one.prompt_kept for one in earlier) - last.prompt_kept > FORGOTTEN


def wander(values: Sequence[float]) -> float:
    """Standard deviation of the noise on a smooth curve, from its second differences, which have √6 of it."""
    bends = [abs(a - 2 * b + c) for a, b, c in zip(values, values[1:], values[2:], strict=False)]
    return 1.4826 * median(bends) / math.sqrt(6) if bends else 0.0  # 1.4826: from median to deviation of a Gaussian


def _points(losses: Sequence[LossPoint]) -> list[tuple[int, float]]:
    return [(point.step, point.validation_loss) for point in losses if point.validation_loss is not None]


def _smoothed(values: Sequence[float]) -> list[float]:
    """Running median of three; the ends lean on the line through their two neighbours (Tukey 1977)."""
    if len(values) < FEWEST:
        return list(values)
    inner = [median(three) for three in zip(values, values[1:], values[2:], strict=False)]
    first = median((values[0], inner[0], 3 * inner[0] - 2 * inner[1]))
    last = median((values[-1], inner[-1], 3 * inner[-1] - 2 * inner[-2]))
    return [first, *inner, last]
