"""One attempt at a training: how far it is, when its checkpoints come, and how it pauses."""

from __future__ import annotations

import time
from collections.abc import Generator
from dataclasses import dataclass, field
from typing import TypeVar

from engine.jobs.events import Event, Stepped, Task
from engine.models.machine import Machine
from storage.recipe import Recipe
from storage.records import LossPoint, Progress
from storage.requests import TrainingRequest
from storage.states import Phase

Result = TypeVar("Result")


@dataclass
class Attempt:
    """One attempt at a training. `stored`: the step whose state is stored; `learnt`: the last finished one."""

    request: TrainingRequest
    machine: Machine
    task: Task
    began: float = field(default_factory=time.perf_counter)

    def __post_init__(self) -> None:
        self.losses: list[LossPoint] = list(self.task.losses)
        self.stored = self.learnt = self.resumed_at

    def progress(self, step: int, phase: Phase, seconds_left: float | None = None) -> Progress:
        """In optimizer steps and epochs."""
        recipe = self.request.recipe
        left = None if seconds_left is None else round(seconds_left, 1)
        epochs = max(1, recipe.epochs)
        return Progress(
            done=step,
            total=recipe.steps,
            seconds_left=left,
            epoch=min(self.epoch(step), epochs),
            epochs=epochs,
            phase=phase,
            went_back_to=self.resumed_at if self.task.went_back else None,
        )

    def epoch(self, step: int) -> int:
        """How often every picture was shown."""
        recipe = self.request.recipe
        return step * recipe.batch_size * recipe.accumulation // max(1, len(self.request.pictures))

    @property
    def resumed_at(self) -> int:
        """The step that this attempt began from."""
        return 0 if self.task.state is None else self.task.state[0]

    def pausing(self, work: Generator[None, None, Result], phase: Phase) -> Generator[Event, None, Result]:
        """What `work` returns; its pauses become events, so that others may have the GPU."""
        step = self.losses[-1].step if self.losses else 0
        while True:
            try:
                next(work)
            except StopIteration as end:
                result: Result = end.value
                return result
            yield Stepped(progress=self.progress(step, phase))


def checkpoint_steps(recipe: Recipe) -> list[int]:
    """Equally spaced, the last step among them."""
    count = max(1, min(recipe.checkpoints, recipe.steps))
    return sorted({round(recipe.steps * number / count) for number in range(1, count + 1)})


def checkpoint_place(recipe: Recipe, step: int) -> int:
    """1 for the first checkpoint …; one made by stopping early comes where the next would have come."""
    return sum(planned < step for planned in checkpoint_steps(recipe)) + 1
