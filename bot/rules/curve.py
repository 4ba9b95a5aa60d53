"""Picks the words for what a finished training says of itself; the measuring was the engine's."""

from __future__ import annotations

from collections.abc import Sequence

from storage.records import COPIES, Checkpoint
from storage.requests import TrainingAnswer

SEEN = 0.03  # difference in a measure that a person begins to see on four samples
LITTLE = 0.1  # style gained below which the pictures hardly changed


def reading_key(answer: TrainingAnswer) -> str:
    """The key of the sentence about the curve."""
    return f"curve.{answer.reading}"


def advised(checkpoints: Sequence[Checkpoint], recommended: int) -> Checkpoint | None:
    """The checkpoint to take; the last one when the advice names none that is there."""
    found = next((c for c in checkpoints if c.step == recommended), None)
    return found or (checkpoints[-1] if checkpoints else None)


def reason_key(checkpoints: Sequence[Checkpoint], best: Checkpoint) -> str:
    """The key of why this checkpoint is advised and no other."""
    later = [c for c in checkpoints if c.step > best.step and c.style_gained is not None]
    gained, kept = best.style_gained or 0.0, best.prompt_kept or 0.0
    reasons = {
        "only": best.style_gained is None or len(checkpoints) < 2,
        "little": gained < LITTLE,
        "last": not later,
        "copies": begins_to_copy(checkpoints, best),
        "forgets": any(kept - (c.prompt_kept or 0.0) > SEEN for c in later),
        "settled": all((c.style_gained or 0.0) - gained <= SEEN for c in later),
        "trade": True,
    }
    return "seal.why." + next(name for name, holds in reasons.items() if holds)


def begins_to_copy(checkpoints: Sequence[Checkpoint], best: Checkpoint) -> bool:
    """Whether a later checkpoint than the advised one draws what the palette already holds."""
    return any(c.step > best.step and (c.copying or 0) > COPIES for c in checkpoints)


def labels(checkpoints: Sequence[Checkpoint]) -> tuple[str, ...]:
    """A short name for each: its epoch, or its step where two share an epoch."""
    epochs = [c.epoch for c in checkpoints]
    return tuple(str(c.epoch if len(set(epochs)) == len(epochs) else c.step) for c in checkpoints)
