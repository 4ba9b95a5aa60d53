"""What a training's checkpoints are worth: samples drawn, three measures of each, and the last word about all."""

from __future__ import annotations

import time
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass

from PIL import Image

from engine.jobs.attempt import Attempt, checkpoint_place, paused
from engine.jobs.events import Drew, Event, Measured, Stepped
from engine.measures.checkpoint_choice import COPIES, Measures, advise
from engine.measures.copying import copying
from engine.measures.curve import diagnose, elbow
from engine.measures.style_features import phash, style_features
from engine.measures.style_gained import style_gained
from engine.measures.subject import SubjectMeasure
from engine.models.machine import Machine
from engine.pictures.png_parameters import parameters, png_bytes
from engine.pictures.rows import Drawn, draw
from engine.training.dataset import Dataset
from engine.training.loop import Loop
from storage.requests import TrainingAnswer, TrainingRequest
from storage.states import Diagnosis, Phase


@dataclass(frozen=True)
class Scale:
    """What checkpoints are measured against."""

    images: tuple[Image.Image, ...]
    palette: list[tuple[float, ...]]
    base: list[tuple[float, ...]]
    subject: SubjectMeasure


def scaled(this: Attempt, dataset: Dataset) -> Generator[Event, None, Scale]:
    """Draws the base's samples and looks at them and at the palette."""
    base: list[Image.Image] = []
    yield from draw_samples(this, base, step=0, place=0, name=None)
    return Scale(
        images=dataset.images,
        palette=(yield from paused(this, looking(this.machine, dataset.images), Phase.ENCODING)),
        base=(yield from paused(this, looking(this.machine, base), Phase.ENCODING)),
        subject=SubjectMeasure(this.machine, subjects_of(this.request)),
    )


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


def draw_samples(
    this: Attempt, found: list[Image.Image], *, step: int, place: int, name: str | None
) -> Iterator[Event]:
    """The request's samples with this adapter (None: the base), by the code that serves trying."""
    rows, active = this.request.samples, {} if name is None else {name: 1.0}
    phase = Phase.ENCODING if step == 0 else Phase.DRAWING
    for moment in draw(this.machine, rows, lambda _row: active):
        if not isinstance(moment, Drawn):
            yield Stepped(progress=this.progress(step, phase))
            continue
        found.append(moment.image)
        text = parameters(moment.row, model=this.machine.pinned_name, model_sha256=this.machine.weights_sha256)
        yield Drew(
            position=place * len(rows) + moment.position,
            row=moment.row,
            png=png_bytes(moment.image, text),
            progress=this.progress(step, phase),
            step=step,
            features=style_features(this.machine, moment.image),
            phash=phash(moment.image),
        )


def measure(this: Attempt, loop: Loop, scale: Scale) -> Iterator[Event]:
    """Samples of a checkpoint and its three measures."""
    drawn: list[Image.Image] = []
    place = checkpoint_place(this.request.recipe, loop.step)
    yield from draw_samples(this, drawn, step=loop.step, place=place, name=loop.name)
    if not drawn:
        return
    kept = []
    for row, image in zip(this.request.samples, drawn, strict=True):
        errors = []
        for error in scale.subject.errors(image):
            errors.append(error)
            yield Stepped(progress=this.progress(loop.step, Phase.MEASURING))
        kept.append(scale.subject.rank_score(errors, row.subject))
    features = yield from paused(this, looking(this.machine, drawn), Phase.MEASURING)
    gained = style_gained(scale.base, features, scale.palette)
    copied, this.copied[loop.step] = copying(drawn, scale.images)
    found = Measures(loop.step, round(gained, 4), round(sum(kept) / len(kept), 4), round(copied, 4))
    this.measured.append(found)
    yield Measured(**vars(found), progress=this.progress(loop.step, Phase.MEASURING))


def answer_of(this: Attempt) -> TrainingAnswer:
    """The last word; checkpoints measured by earlier attempts count through the task."""
    steps = this.losses[-1].step if this.losses else 0
    found = {step: Measures(step, *values) for step, values in this.task.measures.items()}
    found.update({one.step: one for one in this.measured})
    is_short = steps < this.request.recipe.steps
    return TrainingAnswer(
        steps=steps,
        seconds=round(time.perf_counter() - this.began, 1),
        recommended=advise(list(found.values())) if found else steps,
        reading=Diagnosis.BLOWN if this.blown else diagnose(this.losses, list(found.values()), stopped=is_short),
        elbow=elbow(this.losses),
        copied_picture=most_copied(this, list(found.values())),
    )


def most_copied(this: Attempt, found: Sequence[Measures]) -> int | None:
    """The palette picture that the checkpoint which copies most is nearest to, if it copies at all."""
    worst = max(found, key=lambda one: one.copying, default=None)
    return this.copied.get(worst.step) if worst is not None and worst.copying > COPIES else None
