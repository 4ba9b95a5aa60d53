"""The steps of one attempt at a training: what is stored of them, when it samples, and the last word about them."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from engine.jobs.attempt import Attempt, checkpoint_steps
from engine.jobs.events import Event, Granted, SavedCheckpoint, Stepped, Trained
from engine.jobs.measuring import Measuring, draw_samples
from engine.measures.checkpoint_choice import advise
from engine.measures.curve import diagnose, elbow
from engine.training import dry_run
from engine.training.loop import Loop
from storage.errors import LossNotFinite
from storage.failpoints import reach
from storage.records import LossPoint, Progress
from storage.requests import TrainingAnswer
from storage.states import Diagnosis, Phase, Wish

LOSSES_EVERY = 10  # steps between two points of the curve that people see
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


@dataclass
class TrainingSteps:
    """All steps that an attempt takes with its loop."""

    attempt: Attempt
    loop: Loop
    measuring: Measuring

    def __post_init__(self) -> None:
        self.recipe, self.task = self.attempt.request.recipe, self.attempt.task
        self.planned = checkpoint_steps(self.recipe)
        self.pending: list[LossPoint] = []  # losses that no event has held yet
        self.diverged = False  # the last good checkpoint counts

    def train_and_measure(self) -> Iterator[Event]:
        """All steps that are left; every checkpoint is measured once."""
        if self.loop.step in self.task.checkpoints and self.loop.step not in self.task.measured:
            yield from self.measuring.measure(self.loop)
        for event in self.train():
            yield event
            if isinstance(event, Trained) and event.checkpoint is not None:
                yield from self.measuring.measure(self.loop)

    def train(self) -> Iterator[Event]:
        """Steps until the last one, the person's wish, or a loss that is no number or ran away."""
        try:
            yield from self.steps_left()
        except LossNotFinite:
            if not self.task.checkpoints and not self.measuring.measures:
                raise
            self.diverged = True

    def steps_left(self) -> Iterator[Event]:
        """Steps until the last one or the person's wish, saved on the way. Raises LossNotFinite."""
        loop = self.loop
        if loop.step < self.recipe.steps:
            yield self.dry_run()
        pace = Pace(loop.step, self.recipe.steps)
        while loop.step < pace.last and self.task.wish is not Wish.STOP:
            yield from self.step_once()
            if self.task.stopping:
                yield self.checkpoint() if loop.step in self.planned else self.state()
                return
            left = pace.seconds_left(loop.step)
            yield self.checkpoint() if loop.step in self.planned else self.finished_step(left)
            if self.task.wish is Wish.SAMPLE:
                yield from self.sample_now()
        if loop.step > 0 and loop.step not in (*self.planned, *self.task.checkpoints):  # stopped between two
            yield self.checkpoint()

    def dry_run(self) -> Stepped:
        """Says before the next step how long all of them will take. Raises OutOfMemory and LossNotFinite."""
        micro_steps = self.recipe.accumulation * (self.recipe.steps - self.loop.step)
        return Stepped(progress=self.progress(dry_run.attempt(self.loop).seconds * micro_steps))

    def step_once(self) -> Iterator[Event]:
        """One optimizer step with its loss. A step half done is left when the engine ends.

        Failpoint after-step. Raises LossNotFinite.
        """
        before = self.loop.step
        for point in self.loop.run_step():
            self.attempt.learnt = self.loop.step
            if point is not None:
                self.take([point])
                continue
            yield Stepped(progress=self.progress())
            if self.task.stopping and self.loop.step == before:
                return
        reach("after-step")

    def sample_now(self) -> Iterator[Event]:
        """The samples of this very step, as the person wished; at a checkpoint they are drawn anyway."""
        step = self.loop.step
        if step not in self.planned:
            place = len(self.planned) + step  # beyond those of all checkpoints, and the same after a kill
            for event in draw_samples(self.attempt, [], step=step, place=place, name=self.loop.name):
                yield event
                if self.task.stopping:  # the wish stays, for the next attempt
                    return
        yield Granted(wish=Wish.SAMPLE, progress=self.progress())
        if self.task.wish is Wish.SAMPLE:
            self.task.wish = Wish.NONE  # until the worker brings the next one

    def finished_step(self, seconds_left: float) -> Event:
        """What is said of a step that makes no checkpoint: now and then its losses, more seldom its state."""
        if self.loop.step % STATE_EVERY == 0:
            return self.state(seconds_left)
        if self.loop.step % LOSSES_EVERY:
            return Stepped(progress=self.progress(seconds_left))
        return Trained(losses=self.losses_until_now(), progress=self.progress(seconds_left))

    def state(self, seconds_left: float | None = None) -> Trained:
        """The state of the last finished step with the losses that led to it, stored together. Raises LossNotFinite."""
        losses, step = self.losses_until_now(), self.loop.step
        self.attempt.stored = self.attempt.learnt = step
        return Trained(losses=losses, progress=self.progress(seconds_left), state=(step, self.loop.state()))

    def checkpoint(self) -> Trained:
        """A checkpoint with the state and the losses that led to it, stored together. Raises LossNotFinite."""
        state, step = self.state(), self.loop.step
        adapter = self.attempt.machine.bank.save(self.loop.name)
        checkpoint = SavedCheckpoint(step=step, epoch=self.attempt.epoch(step), adapter=adapter)
        return replace(state, checkpoint=checkpoint)

    def losses_until_now(self) -> tuple[LossPoint, ...]:
        """The losses that no event has held yet. Raises LossNotFinite."""
        self.take(self.loop.read())
        losses = tuple(self.pending)
        self.pending.clear()
        return losses

    def take(self, points: list[LossPoint]) -> None:
        """New losses join the attempt's and those for the next event."""
        self.pending.extend(points)
        self.attempt.losses.extend(points)

    def progress(self, seconds_left: float | None = None) -> Progress:
        """At the last finished step."""
        return self.attempt.progress(self.loop.step, Phase.TRAINING, seconds_left)

    def answer(self) -> TrainingAnswer:
        """The last word."""
        losses, measures = self.attempt.losses, list(self.measuring.measures.values())
        steps = losses[-1].step if losses else 0
        stopped = steps < self.recipe.steps
        return TrainingAnswer(
            steps=steps,
            seconds=round(time.perf_counter() - self.attempt.began, 1),
            recommended=advise(measures) if measures else steps,
            reading=Diagnosis.BLOWN if self.diverged else diagnose(losses, measures, stopped=stopped),
            elbow=elbow(losses),
            copied_picture=self.measuring.most_copied(),
        )
