"""Picks the words for what a finished training says of itself; the measuring was the engine's."""

from __future__ import annotations

from collections.abc import Sequence

from storage.records import Checkpoint
from storage.requests import TrainingAnswer

READINGS = frozenset({"good", "under", "over", "stopped"})
COPIES = 0.9  # likeness to the nearest palette picture from which a sample looks like it


def reading_key(answer: TrainingAnswer) -> str:
    """The key of the sentence about the curve."""
    return f"curve.{answer.reading if answer.reading in READINGS else 'good'}"


def advised(checkpoints: Sequence[Checkpoint], recommended: int) -> Checkpoint | None:
    """The checkpoint to take; the last one when the advice names none that is there."""
    found = next((c for c in checkpoints if c.step == recommended), None)
    return found or (checkpoints[-1] if checkpoints else None)


def begins_to_copy(checkpoints: Sequence[Checkpoint], best: Checkpoint) -> bool:
    """Whether a later checkpoint than the advised one draws what the palette already holds."""
    return any(c.step > best.step and (c.copying or 0) > COPIES for c in checkpoints)


def labels(checkpoints: Sequence[Checkpoint]) -> tuple[str, ...]:
    """A short name for each: its epoch, or its step where two share an epoch."""
    epochs = [c.epoch for c in checkpoints]
    return tuple(str(c.epoch if len(set(epochs)) == len(epochs) else c.step) for c in checkpoints)
