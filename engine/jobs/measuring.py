"""What a training's checkpoints are worth: samples drawn, and three measures of each."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass, field

from PIL import Image

from engine.jobs.attempt import Attempt, checkpoint_place
from engine.jobs.events import Drew, Event, Measured, Stepped
from engine.measures.checkpoint_choice import Measures
from engine.measures.copying import copying
from engine.measures.style_features import phash, style_features
from engine.measures.style_gained import style_gained
from engine.measures.subject import SubjectMeasure
from engine.models.machine import Machine
from engine.pictures.png_parameters import parameters, png_bytes
from engine.pictures.rows import Drawn, draw
from engine.training.dataset import Dataset
from engine.training.loop import Loop
from storage.records import COPIES
from storage.requests import TrainingRequest
from storage.states import Phase


@dataclass(frozen=True)
class Scale:
    """What checkpoints are measured against."""

    images: tuple[Image.Image, ...]
    palette: list[tuple[float, ...]]
    base: list[tuple[float, ...]]
    subject: SubjectMeasure


def scaled(attempt: Attempt, dataset: Dataset) -> Generator[Event, None, Scale]:
    """Draws the base's samples and looks at them and at the palette."""
    machine, base = attempt.machine, list[Image.Image]()
    yield from draw_samples(attempt, base, step=0, place=0, name=None)
    return Scale(
        images=dataset.images,
        palette=(yield from attempt.pausing(features_of(machine, dataset.images), Phase.ENCODING)),
        base=(yield from attempt.pausing(features_of(machine, base), Phase.ENCODING)),
        subject=SubjectMeasure(machine, subjects_of(attempt.request)),
    )


def features_of(machine: Machine, images: Sequence[Image.Image]) -> Generator[None, None, list[tuple[float, ...]]]:
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
    attempt: Attempt, drawn: list[Image.Image], *, step: int, place: int, name: str | None
) -> Iterator[Event]:
    """The request's samples with this adapter (None: the base), by the code that serves trying; appended to `drawn`."""
    machine, rows, active = attempt.machine, attempt.request.samples, {} if name is None else {name: 1.0}
    phase = Phase.ENCODING if step == 0 else Phase.DRAWING
    for moment in draw(machine, rows, lambda _row: active):
        if not isinstance(moment, Drawn):
            yield Stepped(progress=attempt.progress(step, phase))
            continue
        drawn.append(moment.image)
        text = parameters(moment.row, model=machine.pinned_name, model_sha256=machine.weights_sha256)
        yield Drew(
            position=place * len(rows) + moment.position,
            row=moment.row,
            png=png_bytes(moment.image, text),
            progress=attempt.progress(step, phase),
            step=step,
            features=style_features(machine, moment.image),
            phash=phash(moment.image),
        )


@dataclass
class Measuring:
    """The checkpoints of one training, those that earlier attempts measured among them.

    `copied`: step → position of the palette picture nearest to a sample.
    """

    attempt: Attempt
    scale: Scale
    copied: dict[int, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.measures = {step: Measures(step, *values) for step, values in self.attempt.task.measures.items()}

    def measure(self, loop: Loop) -> Iterator[Event]:
        """Samples of a checkpoint and its three measures."""
        attempt, drawn = self.attempt, list[Image.Image]()
        place = checkpoint_place(attempt.request.recipe, loop.step)
        yield from draw_samples(attempt, drawn, step=loop.step, place=place, name=loop.name)
        if not drawn:
            return
        scores = yield from self._scores(drawn, loop.step)
        features = yield from attempt.pausing(features_of(attempt.machine, drawn), Phase.MEASURING)
        gained = style_gained(self.scale.base, features, self.scale.palette)
        copied, self.copied[loop.step] = copying(drawn, self.scale.images)
        found = Measures(loop.step, round(gained, 4), round(sum(scores) / len(scores), 4), round(copied, 4))
        self.measures[loop.step] = found
        yield Measured(**vars(found), progress=attempt.progress(loop.step, Phase.MEASURING))

    def _scores(self, drawn: list[Image.Image], step: int) -> Generator[Event, None, list[float]]:
        """How well each sample shows its subject, 0 … 1."""
        scores = []
        for row, image in zip(self.attempt.request.samples, drawn, strict=True):
            errors = []
            for error in self.scale.subject.errors(image):
                errors.append(error)
                yield Stepped(progress=self.attempt.progress(step, Phase.MEASURING))
            scores.append(self.scale.subject.rank_score(errors, row.subject))
        return scores

    def most_copied(self) -> int | None:
        """The palette picture that the checkpoint which copies most is nearest to, if it copies at all."""
        worst = max(self.measures.values(), key=lambda measures: measures.copying, default=None)
        return self.copied.get(worst.step) if worst is not None and worst.copying > COPIES else None
