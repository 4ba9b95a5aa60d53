"""A training from palette to measured checkpoints. What earlier attempts stored is gone on from, to the same bytes."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import closing

from engine.jobs.attempt import Attempt
from engine.jobs.events import Event, Finished, Stepped, Task
from engine.jobs.measuring import Measuring, scaled
from engine.jobs.training_steps import TrainingSteps
from engine.models.machine import Machine
from engine.training.dataset import preparing
from engine.training.loop import Loop
from engine.training.resume import initializer_of
from engine.training.text_side import text_side
from storage.errors import RecipeRefused
from storage.limits import MOST_PICTURES
from storage.requests import TrainingRequest
from storage.states import Phase


def run(request: TrainingRequest, machine: Machine, task: Task) -> Iterator[Event]:
    """Encode, draw the base samples, train with checkpoints, measure each, advise one.

    When the engine ends it says the state of the last finished step, unless that is stored, and no more.
    Raises RecipeRefused.
    """
    if len(request.pictures) > MOST_PICTURES:
        raise RecipeRefused(reason="pictures")
    attempt = Attempt(request, machine, task)
    with closing(whole(attempt)) as events:
        for event in events:
            yield event
            if task.stopping and attempt.learnt == attempt.stored:
                return


def whole(attempt: Attempt) -> Generator[Event, None, None]:
    """The training from its first to its last word."""
    request, machine, task = attempt.request, attempt.machine, attempt.task
    yield Stepped(progress=attempt.progress(attempt.resumed_at, Phase.ENCODING))
    chosen = None if task.state is None else initializer_of(task.state[1])
    work = preparing(machine, request.pictures, task.read, request.recipe, request.trigger, chosen)
    dataset = yield from attempt.pausing(work, Phase.ENCODING)
    scale = yield from scaled(attempt, dataset)
    name = f"training_{task.job_id}"
    text = text_side(machine, dataset, request.recipe, name, request.trigger)
    with closing(Loop(machine, dataset, request.recipe, name, text)) as loop:
        if task.state is not None:
            loop.go_on_from(*task.state)
        steps = TrainingSteps(attempt, loop, Measuring(attempt, scale))
        yield from steps.train_and_measure()
    yield Finished(answer=steps.answer())
