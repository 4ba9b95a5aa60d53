"""What each job kind asks and answers: frozen pairs, versioned, written in full by the bot; the engine adds nothing."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from functools import lru_cache
from typing import ClassVar

from pydantic import ValidationError

from storage.documents import dump, load
from storage.errors import UnknownRequest
from storage.recipe import Recipe
from storage.records import Checkpoint, ContentHash, Drawing, Job, NewPicture, Seed
from storage.states import Diagnosis, ExportKind, JobKind, Layout, PictureRole

KEPT_READ = 32  # a live job's request is looked at several times a second, and a training's is long


@dataclass(frozen=True, kw_only=True)
class SealUse:
    """A seal laid over the model while drawing. `weight` is the strength people see, 0 … 1.2."""

    adapter: ContentHash  # PEFT weights as the training wrote them
    weight: float


@dataclass(frozen=True, kw_only=True)
class Row:
    """One picture to draw, fully said."""

    prompt: str  # A1111 syntax
    negative: str
    seed: Seed
    subject: str
    drawing: Drawing
    seals: tuple[SealUse, ...] = ()
    label: str = ""


@dataclass(frozen=True, kw_only=True)
class HuntRequest:
    """4–8 probes of one prompt with random seeds."""

    KIND: ClassVar[JobKind] = JobKind.HUNT
    VERSION: ClassVar[int] = 1
    rows: tuple[Row, ...]


@dataclass(frozen=True, kw_only=True)
class CompareRequest:
    """One prompt and seed under different samplers, steps or guidance scales; `columns` lays out the sheet."""

    KIND: ClassVar[JobKind] = JobKind.COMPARE
    VERSION: ClassVar[int] = 1
    rows: tuple[Row, ...]
    columns: int


@dataclass(frozen=True, kw_only=True)
class PayloadRequest:
    """40–50 candidates: the frozen style over many subjects."""

    KIND: ClassVar[JobKind] = JobKind.PAYLOAD
    VERSION: ClassVar[int] = 1
    rows: tuple[Row, ...]


@dataclass(frozen=True, kw_only=True)
class TrainingPicture:
    """A palette picture with its caption, in the order they are trained on."""

    file: ContentHash
    caption: str
    subject: str


@dataclass(frozen=True, kw_only=True)
class CardFacts:
    """What a model card says of the palette and the checkpoint; all else is in its request."""

    modifiers: str
    boosters: str
    pictures: int
    captions: tuple[str, ...]  # some, as examples
    checkpoint: Checkpoint | None


@dataclass(frozen=True, kw_only=True)
class ExportRequest:
    """A file to export."""

    KIND: ClassVar[JobKind] = JobKind.EXPORT
    VERSION: ClassVar[int] = 2
    what: ExportKind
    name: str
    trigger: str
    recipe: Recipe
    pictures: tuple[TrainingPicture, ...] = ()
    adapter: ContentHash | None = None
    step: int = 0
    sheets: tuple[ContentHash, ...] = ()  # PNG sheets for the card
    prompts: tuple[str, ...] = ()  # of the sheet's rows, for the card's widget
    card: CardFacts | str | None = None  # a string: the text itself, as version 1 asked for it
    drawing: Drawing = field(default_factory=Drawing)


@dataclass(frozen=True, kw_only=True)
class TryRequest:
    """Pictures drawn with a seal. `layout` tells the bot how to lay them out."""

    KIND: ClassVar[JobKind] = JobKind.TRYING
    VERSION: ClassVar[int] = 1
    rows: tuple[Row, ...]
    layout: Layout = Layout.SINGLE
    columns: int = 1
    loras: tuple[ExportRequest, ...] = ()  # asks for the kohya file of each seal: pictures name it


@dataclass(frozen=True, kw_only=True)
class TrainingRequest:
    """A palette, its captions and the numbers to train with."""

    KIND: ClassVar[JobKind] = JobKind.TRAINING
    VERSION: ClassVar[int] = 1
    pictures: tuple[TrainingPicture, ...]
    recipe: Recipe
    trigger: str
    name: str  # of the seal; plain words, no path
    samples: tuple[Row, ...]  # drawn at every checkpoint: fixed seeds, subjects outside the palette, no style words
    proof_subjects: tuple[str, ...] = ()  # what the subject measure must tell apart


@dataclass(frozen=True, kw_only=True)
class DrawnAnswer:
    """Of hunt, compare, payload and trying: how many pictures were drawn, and in how long (without waiting)."""

    drawn: int
    seconds: float
    lost: int = 0  # rows that came out as no numbers, in full precision neither


@dataclass(frozen=True, kw_only=True)
class TrainingAnswer:
    """What a finished (or early stopped) training says; the checkpoints themselves are rows."""

    steps: int
    seconds: float
    recommended: int  # step of the advised checkpoint
    reading: Diagnosis
    copied_picture: int | None = None  # position in `pictures` of the one most copied, if any is
    elbow: int = 0  # step from which the validation curve falls slowly; 0 for none


@dataclass(frozen=True, kw_only=True)
class ExportAnswer:
    """A file to send."""

    file: ContentHash
    filename: str
    size_bytes: int


Request = HuntRequest | CompareRequest | PayloadRequest | TryRequest | TrainingRequest | ExportRequest
Answer = DrawnAnswer | TrainingAnswer | ExportAnswer

REQUESTS: dict[JobKind, type[Request]] = {
    JobKind.HUNT: HuntRequest,
    JobKind.COMPARE: CompareRequest,
    JobKind.PAYLOAD: PayloadRequest,
    JobKind.TRYING: TryRequest,
    JobKind.TRAINING: TrainingRequest,
    JobKind.EXPORT: ExportRequest,
}
ANSWERS: dict[JobKind, type[Answer]] = {
    JobKind.HUNT: DrawnAnswer,
    JobKind.COMPARE: DrawnAnswer,
    JobKind.PAYLOAD: DrawnAnswer,
    JobKind.TRYING: DrawnAnswer,
    JobKind.TRAINING: TrainingAnswer,
    JobKind.EXPORT: ExportAnswer,
}
ROLES: dict[JobKind, PictureRole] = {
    JobKind.HUNT: PictureRole.PROBE,
    JobKind.COMPARE: PictureRole.COMPARISON,
    JobKind.PAYLOAD: PictureRole.CANDIDATE,
    JobKind.TRYING: PictureRole.TRIAL,
    JobKind.TRAINING: PictureRole.SAMPLE,
}


def prompts_of(request: Request) -> tuple[str, ...]:
    """Every text of a request that the model reads: prompts, negatives, captions, words of a class; each once."""
    rows: tuple[Row, ...] = getattr(request, "rows", ()) or getattr(request, "samples", ())
    texts = [text for row in rows for text in (row.prompt, row.negative)]
    if isinstance(request, TrainingRequest):
        texts += [picture.caption for picture in request.pictures] + [request.recipe.class_prompt]
    return tuple(dict.fromkeys(texts))


def new_picture(job: Job, position: int, row: Row, file: ContentHash) -> NewPicture:
    """The record of a row that was drawn for a job of a quest, without what was measured on it."""
    assert job.quest is not None
    return NewPicture(
        job=job.id,
        position=position,
        quest=job.quest,
        role=ROLES[job.kind],
        prompt=row.prompt,
        negative=row.negative,
        subject=row.subject,
        seed=row.seed,
        drawing=row.drawing,
        file=file,
        label=row.label,
        strength=row.seals[0].weight if row.seals else None,
    )


def write_request(request: Request) -> str:
    """A request as JSON with its kind and version."""
    return json.dumps({"kind": request.KIND, "version": request.VERSION, "body": json.loads(dump(request))})


@lru_cache(maxsize=KEPT_READ)
def read_request(text: str) -> Request:
    """The request that `write_request` wrote. Raises UnknownRequest for another kind, newer version or wrong shape."""
    try:
        envelope = json.loads(text)
        kind = REQUESTS[JobKind(envelope["kind"])]
        if envelope["version"] > kind.VERSION:
            raise UnknownRequest(kind=envelope["kind"], version=envelope["version"])
        found: Request = load(kind, json.dumps(envelope["body"]))
    except (ValueError, KeyError, TypeError, ValidationError) as error:
        raise UnknownRequest from error
    return found


def write_answer(answer: Answer) -> str:
    """An answer as JSON."""
    return dump(answer)


def read_answer(kind: JobKind, text: str) -> Answer:
    """The answer of a finished job of this kind."""
    found: Answer = load(ANSWERS[kind], text)
    return found
