"""One attempt at a training: what it knows of itself, when its checkpoints come, and how it pauses."""

from __future__ import annotations

import time
from collections.abc import Generator
from dataclasses import dataclass, field
from typing import TypeVar

from engine.jobs.events import Event, Stepped, Task
from engine.measures.checkpoint_choice import Measures
from engine.models.machine import Machine
from storage.recipe import Recipe
from storage.records import LossPoint, Progress
from storage.requests import TrainingRequest
from storage.states import Phase

Result = TypeVar("Result")


@dataclass
class Attempt:
    """One attempt at a training."""

    request: TrainingRequest
    machine: Machine
    task: Task
    began: float = field(default_factory=time.perf_counter)
    losses: list[LossPoint] = field(default_factory=list)
    measured: list[Measures] = field(default_factory=list)
    stored: int = 0  # the step whose state is stored
    learnt: int = 0  # the last finished step
    blown: bool = False  # the loss became no number, and the last good checkpoint counts
    copied: dict[int, int] = field(default_factory=dict)  # step → position of the palette picture nearest to a sample

    def progress(self, step: int, phase: Phase, seconds_left: float | None = None) -> Progress:
        """In optimizer steps and epochs."""
        recipe = self.request.recipe
        epoch = step * recipe.batch_size * recipe.accumulation // max(1, len(self.request.pictures))
        left = None if seconds_left is None else round(seconds_left, 1)
        epochs = max(1, recipe.epochs)
        return Progress(
            done=step,
            total=recipe.steps,
            seconds_left=left,
            epoch=min(epoch, epochs),
            epochs=epochs,
            phase=phase,
            went_back_to=self.resumed_at if self.task.went_back else None,
        )

    @property
    def resumed_at(self) -> int:
        """The step that this attempt began from."""
        return 0 if self.task.state is None else self.task.state[0]


def paused(this: Attempt, work: Generator[None, None, Result], phase: Phase) -> Generator[Event, None, Result]:
    """What `work` returns; its pauses become events, so that others may have the GPU."""
    step = this.losses[-1].step if this.losses else 0
    while True:
        try:
            next(work)
        except StopIteration as end:
            result: Result = end.value
            return result
        yield Stepped(progress=this.progress(step, phase))


def checkpoint_steps(recipe: Recipe) -> list[int]:
    """Equally spaced, the last step among them."""
    count = max(1, min(recipe.checkpoints, recipe.steps))
    return sorted({round(recipe.steps * number / count) for number in range(1, count + 1)})


def checkpoint_place(recipe: Recipe, step: int) -> int:
    """1 for the first checkpoint …; one made by stopping early comes where the next would have come."""
    return sum(planned < step for planned in checkpoint_steps(recipe)) + 1
