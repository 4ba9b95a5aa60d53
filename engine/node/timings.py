"""How fast this machine is, from what jobs really took, so that waits are said honestly. Pure: seconds are given."""

from __future__ import annotations

from dataclasses import dataclass

from engine.jobs.events import Drew, Event, Finished, Stepped, Trained
from storage.records import PICTURE_STEPS
from storage.requests import DrawnAnswer
from storage.states import Phase

WEIGHT_OF_NEWEST = 0.3  # of a moving average: follows a machine that gets busy, forgives one odd job
WORTH_SAYING = 0.2  # a change of this share is announced


@dataclass
class Average:
    """A moving average that knows what was last announced."""

    value: float | None = None
    announced: float | None = None

    def take(self, newest: float) -> None:
        """Takes one measurement in."""
        old = newest if self.value is None else self.value
        self.value = old + WEIGHT_OF_NEWEST * (newest - old)

    @property
    def moved(self) -> bool:
        """Whether it is worth announcing again."""
        if self.value is None:
            return False
        return self.announced is None or abs(self.value - self.announced) > WORTH_SAYING * self.announced


@dataclass
class Effort:
    """What one running job has cost so far."""

    drawing_seconds: float = 0.0
    pictures: float = 0.0  # of 20 steps each
    training_seconds: float = 0.0


class Timings:
    """Seconds a picture (20 steps with CFG) and seconds a training step."""

    def __init__(self) -> None:
        self.picture = Average()
        self.step = Average()

    def start_with(self, seconds_per_step: float) -> None:
        """Takes in what the warm-up measured: seconds that a denoising step of one picture takes."""
        self.picture.take(seconds_per_step * PICTURE_STEPS)

    def note(self, effort: Effort, event: Event, seconds: float) -> None:
        """Books the seconds that an event took, and learns from finished drawings and from trained steps."""
        if isinstance(event, Stepped | Trained) and event.progress.phase == Phase.TRAINING:
            effort.training_seconds += seconds
        else:
            effort.drawing_seconds += seconds
        if isinstance(event, Drew):
            effort.pictures += event.row.drawing.steps / PICTURE_STEPS
        elif isinstance(event, Trained) and event.losses and effort.training_seconds:
            self.step.take(effort.training_seconds / len(event.losses))
            effort.training_seconds = 0.0
        elif isinstance(event, Finished) and isinstance(event.answer, DrawnAnswer) and effort.pictures:
            self.picture.take(effort.drawing_seconds / effort.pictures)

    @property
    def worth_saying(self) -> bool:
        """Whether either has moved enough to be announced."""
        return self.picture.moved or self.step.moved

    def said(self) -> None:
        """Both were announced."""
        self.picture.announced, self.step.announced = self.picture.value, self.step.value
