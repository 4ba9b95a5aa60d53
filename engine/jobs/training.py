"""A training from palette to measured checkpoints. What earlier attempts stored is gone on from, to the same bytes."""

from __future__ import annotations

import time
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from typing import TypeVar

from PIL import Image

from engine.events import Drew, Event, Finished, Granted, Measured, SavedCheckpoint, Stepped, Task, Trained
from engine.measures.checkpoint_choice import COPIES, Measures, advise
from engine.measures.copying import copying
from engine.measures.curve import diagnose, elbow
from engine.measures.style_features import phash, style_features
from engine.measures.style_gained import style_gained
from engine.measures.subject import SubjectMeasure
from engine.models import adapters
from engine.models.machine import Machine
from engine.pictures.png_parameters import parameters, png_bytes
from engine.pictures.rows import Drawn, draw
from engine.training import trial
from engine.training.dataset import preparing
from engine.training.loop import Loop
from engine.training.text_side import text_side
from storage.errors import LossNotFinite
from storage.records import LossPoint, Progress
from storage.requests import TrainingAnswer, TrainingRequest
from storage.states import Wish

TELL_EVERY = 10  # steps between two points of the curve that people see
STATE_EVERY = 50  # steps a kill may cost

Result = TypeVar("Result")


@dataclass(frozen=True)
class Scale:
    """What checkpoints are measured against."""

    images: tuple[Image.Image, ...]
    palette: list[tuple[float, ...]]
    base: list[tuple[float, ...]]
    subject: SubjectMeasure


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
class Run:
    """One attempt at a training."""

    request: TrainingRequest
    machine: Machine
    task: Task
    began: float = field(default_factory=time.perf_counter)
    losses: list[LossPoint] = field(default_factory=list)
    measured: list[Measures] = field(default_factory=list)
    blown: bool = False  # the loss became no number, and the last good checkpoint counts
    copied: dict[int, int] = field(default_factory=dict)  # step → position of the palette picture nearest to a sample

    def progress(self, step: int, phase: str, seconds_left: float | None = None) -> Progress:
        """In optimizer steps and epochs."""
        recipe = self.request.recipe
        epoch = step * recipe.batch_size * recipe.accumulation // max(1, len(self.request.pictures))
        left = None if seconds_left is None else round(seconds_left, 1)
        epochs = max(1, recipe.epochs)
        return Progress(
            done=step, total=recipe.steps, seconds_left=left, epoch=min(epoch, epochs), epochs=epochs, phase=phase
        )


def run(request: TrainingRequest, machine: Machine, task: Task) -> Iterator[Event]:
    """Encode, draw the base samples, train with checkpoints, measure each, advise one."""
    this = Run(request, machine, task, losses=list(task.losses))
    yield Stepped(progress=this.progress(task.state[0] if task.state else 0, "encoding"))
    work = preparing(machine, request.pictures, task.read, request.recipe, request.trigger)
    dataset = yield from paused(this, work, "encoding")
    base: list[Image.Image] = []
    yield from draw_samples(this, base, step=0, place=0, name=None)
    scale = Scale(
        images=dataset.images,
        palette=(yield from paused(this, looking(machine, dataset.images), "encoding")),
        base=(yield from paused(this, looking(machine, base), "encoding")),
        subject=SubjectMeasure(machine, subjects_of(request)),
    )
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


def paused(this: Run, work: Generator[None, None, Result], phase: str) -> Generator[Event, None, Result]:
    """What `work` returns; its pauses become events, so that others may have the GPU."""
    step = this.losses[-1].step if this.losses else 0
    while True:
        try:
            next(work)
        except StopIteration as end:
            result: Result = end.value
            return result
        yield Stepped(progress=this.progress(step, phase))


def looking(machine: Machine, images: Sequence[Image.Image]) -> Generator[None, None, list[tuple[float, ...]]]:
    """Style features of each picture, with a pause after each."""
    found = []
    for image in images:
        found.append(style_features(machine, image))
        yield
    return found


def subjects_of(request: TrainingRequest) -> tuple[str, ...]:
    """What the subject measure tells apart: the asked ones, and whatever the samples show."""
    return tuple(dict.fromkeys((*request.proof_subjects, *(row.subject for row in request.samples))))


def tried(this: Run, loop: Loop) -> Stepped:
    """Says before the next step how long all of them will take. Raises OutOfMemory and LossNotFinite."""
    recipe = this.request.recipe
    left = trial.attempt(loop).seconds * recipe.accumulation * (recipe.steps - loop.step)
    return Stepped(progress=this.progress(loop.step, "training", left))


def train(this: Run, loop: Loop) -> Iterator[Event]:
    """Steps until the last one, the person's wish, or a loss that is no number or ran away."""
    try:
        yield from steps_left(this, loop)
    except LossNotFinite:
        if not this.task.checkpoints and not this.measured:
            raise
        this.blown = True  # the last good checkpoint counts


def steps_left(this: Run, loop: Loop) -> Iterator[Event]:
    """Steps until the last one or the person's wish, saved on the way. Raises LossNotFinite."""
    planned, fresh = checkpoint_steps(this.request), list[LossPoint]()
    if loop.step < this.request.recipe.steps:
        yield tried(this, loop)
    watch = Pace(loop.step, this.request.recipe.steps)
    while loop.step < watch.last and this.task.wish is not Wish.STOP:
        yield from step_once(this, loop, fresh)
        left = watch.seconds_left(loop.step)
        if loop.step in planned:
            yield saved(this, loop, fresh)
            fresh.clear()
        elif loop.step % TELL_EVERY == 0:
            taken(this, fresh, loop.read())
            state = (loop.step, loop.state()) if loop.step % STATE_EVERY == 0 else None
            yield Trained(losses=tuple(fresh), progress=this.progress(loop.step, "training", left), state=state)
            fresh.clear()
        else:
            yield Stepped(progress=this.progress(loop.step, "training", left))
        if this.task.wish is Wish.SAMPLE:
            yield from sample_now(this, loop)
    if loop.step > 0 and loop.step not in planned and loop.step not in this.task.checkpoints:  # stopped between two
        yield saved(this, loop, fresh)


def sample_now(this: Run, loop: Loop) -> Iterator[Event]:
    """The samples of this very step, as the person wished; at a checkpoint they are drawn anyway."""
    planned = checkpoint_steps(this.request)
    if loop.step not in planned:
        place = len(planned) + loop.step  # beyond those of all checkpoints, and the same after a kill
        yield from draw_samples(this, [], step=loop.step, place=place, name=loop.name)
    yield Granted(wish=Wish.SAMPLE, progress=this.progress(loop.step, "training"))
    if this.task.wish is Wish.SAMPLE:
        this.task.wish = Wish.NONE  # until the worker brings the next one


def step_once(this: Run, loop: Loop, fresh: list[LossPoint]) -> Iterator[Event]:
    """One optimizer step; its loss joins the fresh ones. Raises LossNotFinite."""
    for point in loop.run_step():
        if point is None:
            yield Stepped(progress=this.progress(loop.step, "training"))
        else:
            taken(this, fresh, [point])


def taken(this: Run, fresh: list[LossPoint], points: Sequence[LossPoint]) -> None:
    """New losses join the run's and those nobody was told yet."""
    fresh.extend(points)
    this.losses.extend(points)


def saved(this: Run, loop: Loop, fresh: list[LossPoint]) -> Trained:
    """A checkpoint with the state and the losses that led to it, stored together. Raises LossNotFinite."""
    taken(this, fresh, loop.read())
    recipe = this.request.recipe
    epoch = loop.step * recipe.batch_size * recipe.accumulation // max(1, len(this.request.pictures))
    checkpoint = SavedCheckpoint(step=loop.step, epoch=epoch, adapter=adapters.save(this.machine, loop.name))
    return Trained(
        losses=tuple(fresh),
        progress=this.progress(loop.step, "training"),
        state=(loop.step, loop.state()),
        checkpoint=checkpoint,
    )


def checkpoint_steps(request: TrainingRequest) -> list[int]:
    """Equally spaced, the last step among them."""
    recipe = request.recipe
    count = max(1, min(recipe.checkpoints, recipe.steps))
    return sorted({round(recipe.steps * number / count) for number in range(1, count + 1)})


def checkpoint_place(request: TrainingRequest, step: int) -> int:
    """1 for the first checkpoint …; one made by stopping early comes where the next would have come."""
    return sum(planned < step for planned in checkpoint_steps(request)) + 1


def draw_samples(this: Run, found: list[Image.Image], *, step: int, place: int, name: str | None) -> Iterator[Event]:
    """The request's samples with this adapter (None: the base), by the code that serves trying."""
    rows, worn = this.request.samples, {} if name is None else {name: 1.0}
    phase = "encoding" if step == 0 else "drawing"
    for moment in draw(this.machine, rows, lambda _seals: adapters.using(this.machine, worn)):
        if not isinstance(moment, Drawn):
            yield Stepped(progress=this.progress(step, phase))
            continue
        found.append(moment.image)
        text = parameters(moment.row, model=this.machine.name, model_sha256=this.machine.weights_sha256)
        yield Drew(
            position=place * len(rows) + moment.position,
            row=moment.row,
            png=png_bytes(moment.image, text),
            progress=this.progress(step, phase),
            step=step,
            features=style_features(this.machine, moment.image),
            phash=phash(moment.image),
        )


def measure(this: Run, loop: Loop, scale: Scale) -> Iterator[Event]:
    """Samples of a checkpoint and its three measures."""
    drawn: list[Image.Image] = []
    place = checkpoint_place(this.request, loop.step)
    yield from draw_samples(this, drawn, step=loop.step, place=place, name=loop.name)
    if not drawn:
        return
    kept = []
    for row, image in zip(this.request.samples, drawn, strict=True):
        errors = []
        for error in scale.subject.errors(image):
            errors.append(error)
            yield Stepped(progress=this.progress(loop.step, "measuring"))
        kept.append(scale.subject.rank_score(errors, row.subject))
    features = yield from paused(this, looking(this.machine, drawn), "measuring")
    gained = style_gained(scale.base, features, scale.palette)
    copied, this.copied[loop.step] = copying(drawn, scale.images)
    found = Measures(loop.step, round(gained, 4), round(sum(kept) / len(kept), 4), round(copied, 4))
    this.measured.append(found)
    yield Measured(**vars(found), progress=this.progress(loop.step, "measuring"))


def answer_of(this: Run) -> TrainingAnswer:
    """The last word; checkpoints measured by earlier attempts count through the task."""
    steps = this.losses[-1].step if this.losses else 0
    found = {step: Measures(step, *values) for step, values in this.task.measures.items()}
    found.update({one.step: one for one in this.measured})
    is_short = steps < this.request.recipe.steps
    return TrainingAnswer(
        steps=steps,
        seconds=round(time.perf_counter() - this.began, 1),
        recommended=advise(list(found.values())) if found else steps,
        reading="blown" if this.blown else diagnose(this.losses, list(found.values()), stopped=is_short),
        elbow=elbow(this.losses),
        copied_picture=most_copied(this, list(found.values())),
    )


def most_copied(this: Run, found: Sequence[Measures]) -> int | None:
    """The palette picture that the checkpoint which copies most is nearest to, if it copies at all."""
    worst = max(found, key=lambda one: one.copying, default=None)
    return this.copied.get(worst.step) if worst is not None and worst.copying > COPIES else None
