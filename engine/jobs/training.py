"""A training from palette to measured checkpoints. What earlier attempts stored is gone on from, to the same bytes."""

from __future__ import annotations

import time
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace

from engine.jobs.attempt import Attempt, checkpoint_steps, paused
from engine.jobs.events import Event, Finished, Granted, SavedCheckpoint, Stepped, Task, Trained
from engine.jobs.measuring import answer_of, draw_samples, measure, scaled
from engine.models.machine import Machine
from engine.training import trial
from engine.training.dataset import preparing
from engine.training.loop import Loop
from engine.training.resume import initializer_of
from engine.training.text_side import text_side
from storage.errors import LossNotFinite, RecipeRefused
from storage.failpoints import reach
from storage.limits import MOST_PICTURES
from storage.records import LossPoint
from storage.requests import TrainingRequest
from storage.states import Phase, Wish

TELL_EVERY = 10  # steps between two points of the curve that people see
STATE_EVERY = 50  # steps a kill may cost


@dataclass
class Pace:
    """How fast the steps go, and what that leaves."""

    first: int
    last: int
    began: float = field(default_factory=time.perf_counter)

    def seconds_left(self, step: int) -> float:
        """At the pace so far."""
        return (time.perf_counter() - self.began) / max(1, step - self.first) * (self.last - step)


def run(request: TrainingRequest, machine: Machine, task: Task) -> Iterator[Event]:
    """Encode, draw the base samples, train with checkpoints, measure each, advise one.

    When the engine ends it says the state of the last finished step, unless that is stored, and no more.
    Raises RecipeRefused.
    """
    if len(request.pictures) > MOST_PICTURES:
        raise RecipeRefused(reason="pictures")
    this = Attempt(request, machine, task, losses=list(task.losses))
    this.stored = this.learnt = this.resumed_at
    with closing(whole(this)) as events:
        for event in events:
            yield event
            if task.stopping and this.learnt == this.stored:
                return


def whole(this: Attempt) -> Generator[Event, None, None]:
    """The training from its first to its last word."""
    request, machine, task = this.request, this.machine, this.task
    yield Stepped(progress=this.progress(this.resumed_at, Phase.ENCODING))
    chosen = None if task.state is None else initializer_of(task.state[1])
    work = preparing(machine, request.pictures, task.read, request.recipe, request.trigger, chosen)
    dataset = yield from paused(this, work, Phase.ENCODING)
    scale = yield from scaled(this, dataset)
    name = f"training_{task.job_id}"
    text = text_side(machine, dataset, request.recipe, name, request.trigger)
    with closing(Loop(machine, dataset, request.recipe, name, text)) as loop:
        if task.state is not None:
            loop.go_on_from(*task.state)
        if loop.step in task.checkpoints and loop.step not in task.measured:
            yield from measure(this, loop, scale)
        for event in train(this, loop):
            yield event
            if isinstance(event, Trained) and event.checkpoint is not None:
                yield from measure(this, loop, scale)
    yield Finished(answer=answer_of(this))


def tried(this: Attempt, loop: Loop) -> Stepped:
    """Says before the next step how long all of them will take. Raises OutOfMemory and LossNotFinite."""
    recipe = this.request.recipe
    left = trial.attempt(loop).seconds * recipe.accumulation * (recipe.steps - loop.step)
    return Stepped(progress=this.progress(loop.step, Phase.TRAINING, left))


def train(this: Attempt, loop: Loop) -> Iterator[Event]:
    """Steps until the last one, the person's wish, or a loss that is no number or ran away."""
    try:
        yield from steps_left(this, loop)
    except LossNotFinite:
        if not this.task.checkpoints and not this.measured:
            raise
        this.blown = True  # the last good checkpoint counts


def steps_left(this: Attempt, loop: Loop) -> Iterator[Event]:
    """Steps until the last one or the person's wish, saved on the way. Raises LossNotFinite."""
    planned, fresh = checkpoint_steps(this.request.recipe), list[LossPoint]()
    if loop.step < this.request.recipe.steps:
        yield tried(this, loop)
    watch = Pace(loop.step, this.request.recipe.steps)
    while loop.step < watch.last and this.task.wish is not Wish.STOP:
        yield from step_once(this, loop, fresh)
        if this.task.stopping:
            yield saved(this, loop, fresh) if loop.step in planned else kept(this, loop, fresh)
            return
        left = watch.seconds_left(loop.step)
        yield saved(this, loop, fresh) if loop.step in planned else finished_step(this, loop, fresh, left)
        if this.task.wish is Wish.SAMPLE:
            yield from sample_now(this, loop)
    if loop.step > 0 and loop.step not in planned and loop.step not in this.task.checkpoints:  # stopped between two
        yield saved(this, loop, fresh)


def sample_now(this: Attempt, loop: Loop) -> Iterator[Event]:
    """The samples of this very step, as the person wished; at a checkpoint they are drawn anyway."""
    planned = checkpoint_steps(this.request.recipe)
    if loop.step not in planned:
        place = len(planned) + loop.step  # beyond those of all checkpoints, and the same after a kill
        for event in draw_samples(this, [], step=loop.step, place=place, name=loop.name):
            yield event
            if this.task.stopping:  # the wish stays, for the next attempt
                return
    yield Granted(wish=Wish.SAMPLE, progress=this.progress(loop.step, Phase.TRAINING))
    if this.task.wish is Wish.SAMPLE:
        this.task.wish = Wish.NONE  # until the worker brings the next one


def step_once(this: Attempt, loop: Loop, fresh: list[LossPoint]) -> Iterator[Event]:
    """One optimizer step; its loss joins the fresh ones. A step half done is left when the engine ends.

    Failpoint after-step. Raises LossNotFinite.
    """
    before = loop.step
    for point in loop.run_step():
        this.learnt = loop.step
        if point is not None:
            taken(this, fresh, [point])
            continue
        yield Stepped(progress=this.progress(loop.step, Phase.TRAINING))
        if this.task.stopping and loop.step == before:
            return
    reach("after-step")


def taken(this: Attempt, fresh: list[LossPoint], points: Sequence[LossPoint]) -> None:
    """New losses join the run's and those nobody was told yet."""
    fresh.extend(points)
    this.losses.extend(points)


def finished_step(this: Attempt, loop: Loop, fresh: list[LossPoint], left: float) -> Event:
    """What is said of a step that makes no checkpoint: now and then its losses, more seldom its state."""
    if loop.step % STATE_EVERY == 0:
        return kept(this, loop, fresh, left)
    progress = this.progress(loop.step, Phase.TRAINING, left)
    if loop.step % TELL_EVERY:
        return Stepped(progress=progress)
    taken(this, fresh, loop.read())
    return Trained(losses=told(fresh), progress=progress)


def told(fresh: list[LossPoint]) -> tuple[LossPoint, ...]:
    """The losses that are said now, and no longer fresh."""
    losses = tuple(fresh)
    fresh.clear()
    return losses


def kept(this: Attempt, loop: Loop, fresh: list[LossPoint], left: float | None = None) -> Trained:
    """The state of the last finished step with the losses that led to it, stored together. Raises LossNotFinite."""
    taken(this, fresh, loop.read())
    this.stored = this.learnt = loop.step
    progress = this.progress(loop.step, Phase.TRAINING, left)
    return Trained(losses=told(fresh), progress=progress, state=(loop.step, loop.state()))


def saved(this: Attempt, loop: Loop, fresh: list[LossPoint]) -> Trained:
    """A checkpoint with the state and the losses that led to it, stored together. Raises LossNotFinite."""
    state, recipe = kept(this, loop, fresh), this.request.recipe
    epoch = loop.step * recipe.batch_size * recipe.accumulation // max(1, len(this.request.pictures))
    checkpoint = SavedCheckpoint(step=loop.step, epoch=epoch, adapter=this.machine.bank.save(loop.name))
    return replace(state, checkpoint=checkpoint)
