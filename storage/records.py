"""What exists: frozen records that bot and engine share. Standard library only; (de)serialised by storage.documents."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import NewType

from storage.families import Family
from storage.recipe import Recipe
from storage.states import (
    JobKind,
    JobState,
    Lane,
    PaletteKind,
    Phase,
    PictureRole,
    Sampler,
    Stage,
    Step,
    SubjectsFrom,
    Verdict,
    Way,
    Wish,
)

ContentHash = NewType("ContentHash", str)
"""sha256 of a file's bytes, 64 hex digits."""

Seed = NewType("Seed", int)
"""0 … 2**32-1, as AUTOMATIC1111 writes it."""


@dataclass(frozen=True, kw_only=True)
class Person:
    """Somebody who talks to the bot; `id` is Telegram's numeric id, nothing else about them is kept."""

    id: int
    chat_id: int
    language: str = "en"
    current_quest: int | None = None
    banned: bool = False
    blocked: bool = False  # they blocked the bot; their jobs wait
    consented: bool = False
    created: datetime


@dataclass(frozen=True, kw_only=True)
class Drawing:
    """The settings of a picture that are the same for every row of a request."""

    sampler: Sampler = Sampler.DDIM
    steps: int = 20
    guidance_scale: float = 4.0
    width_px: int = 128
    height_px: int = 128


@dataclass(frozen=True, kw_only=True)
class Style:
    """The frozen part of the prompt. The prompt is always subject + modifiers + boosters."""

    kind: PaletteKind = PaletteKind.STYLE
    preset: str = ""  # name in bot/library/looks.toml, "" for own words
    name: str = ""  # what the person sees
    modifiers: str = ""
    boosters: str = ""
    negative: str = ""
    emphasis: int = 0  # -3 … 3: how much stronger or weaker than written (0)
    trigger: str = ""
    drawing: Drawing = field(default_factory=Drawing)
    own_drawing: bool = False  # sampler, steps and guidance were brought by the person, not picked for the model


@dataclass(frozen=True, kw_only=True)
class Quest:
    """One way from style to seal."""

    id: int
    owner: int  # Person.id
    chat_id: int
    name: str = ""
    step: Step = Step.STYLE
    stage: Stage = Stage.KIND
    rev: int = 0  # grows with every move; an older keyboard is stale
    style: Style = field(default_factory=Style)
    subject: str = ""  # of the hunt
    pick: int | None = None  # picture id of the chosen probe
    way: Way = Way.OWN_SEEDS
    subjects: tuple[str, ...] = ()  # typed by the person
    subjects_from: SubjectsFrom = SubjectsFrom.LIST
    recipe: Recipe = field(default_factory=Recipe)
    seal: int | None = None  # Seal.id once picked
    seal_strength: float = 0.8
    cursor: int = 0  # page, card or caption now shown
    pasted: str = ""  # generation data that waits for the person to say what of it counts
    created: datetime
    updated: datetime


@dataclass(frozen=True, kw_only=True)
class NewPicture:
    """Something the engine drew; (job, position) is unique, so a repeat writes nothing new."""

    job: int
    position: int  # from 0 inside the job
    quest: int
    role: PictureRole
    prompt: str
    negative: str
    subject: str
    seed: Seed
    drawing: Drawing
    file: ContentHash
    label: str = ""  # column or row label in a comparison, e.g. "Euler · 20"
    strength: float | None = None  # of the seal that drew it
    step: int | None = None  # training step that drew it
    features: tuple[float, ...] = ()  # style features, see engine/measures/style_features.py
    phash: str = ""  # 64-bit perceptual hash as 16 hex digits


@dataclass(frozen=True, kw_only=True)
class Picture(NewPicture):
    """A drawn picture that is stored."""

    id: int


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """A picture that may enter the palette."""

    picture: Picture
    number: int  # 1 … n inside the quest, never reused
    verdict: Verdict = Verdict.UNSEEN
    judged: int | None = None  # order of judging, for undo
    caption: str = ""
    caption_edited: bool = False
    left_words: tuple[str, ...] = ()  # of the style, in small letters: the person wants them to stay in the caption


COPIES = 0.9  # `Checkpoint.copying` from which a sample looks like a palette picture, and it counts against one


@dataclass(frozen=True, kw_only=True)
class Checkpoint:
    """A saved point of a training, with what was measured on it."""

    job: int
    step: int
    epoch: int
    adapter: ContentHash  # PEFT weights, fp32 safetensors
    style_gained: float | None = None  # 0 = base, 1 = the palette itself
    prompt_kept: float | None = None  # 0 … 1
    copying: float | None = None  # likeness to the nearest palette picture, 0 … 1


@dataclass(frozen=True, kw_only=True)
class Seal:
    """The trained LoRA a person picked."""

    id: int
    quest: int
    job: int
    step: int  # the checkpoint's
    trigger: str
    recipe: Recipe
    adapter: ContentHash
    created: datetime


@dataclass(frozen=True, kw_only=True)
class LossPoint:
    """One optimizer step of a training."""

    step: int  # from 1
    loss: float
    validation_loss: float | None = None  # on the fixed grid of (picture, noise, timestep)
    weight_norm: float | None = None  # of all that is learnt, measured with the validation loss


@dataclass(frozen=True, kw_only=True)
class Progress:
    """How far a job is, in facts; the bot puts them into words."""

    done: int = 0
    total: int = 0
    seconds_left: float | None = None
    epoch: int | None = None
    epochs: int | None = None
    phase: Phase = Phase.NONE
    went_back_to: int | None = None  # a training's newest state could not be read; it went on from this step


@dataclass(frozen=True, kw_only=True)
class Job:
    """A unit of work for the engine."""

    id: int
    kind: JobKind
    key: str
    quest: int | None
    user: int
    lane: Lane
    state: JobState
    request: str  # JSON, read with storage.requests.read_request
    answer: str | None  # JSON
    progress: Progress
    attempt: int  # claims that ended badly
    crashes: int  # engines that died on it
    run_after: datetime
    lease_owner: str | None
    lease_token: int  # fencing token: grows by one a claim
    lease_until: datetime | None
    wish: Wish
    error: str | None  # name of the error class, and facts, as JSON: {"error": "OutOfMemory", ...}
    version: int  # grows with every write that people may want to hear of
    notified: int  # the version that people know of
    created: datetime
    started: datetime | None
    finished: datetime | None


def pinned(name: str, revision: str) -> str:
    """A model's name as STYLESEAL_MODEL and a recipe spell it: `org/name@revision` where a revision was asked for."""
    return f"{name}@{revision}" if revision else name


@dataclass(frozen=True, kw_only=True)
class ModelFacts:
    """What the engine says of the model in use."""

    name: str
    family: Family
    size_px: int  # native resolution
    prediction: str  # epsilon | v_prediction
    tokenizer: ContentHash  # tokenizer.json
    max_tokens: int  # of the text encoder, with start and end
    sha256: str = ""  # of the U-Net weights, for PNG parameters (first 10 digits shown)
    revision: str = ""  # of a hub model, where one was asked for

    @property
    def pinned_name(self) -> str:
        """The name that finds these very weights again."""
        return pinned(self.name, self.revision)


PICTURE_STEPS = 20  # what `seconds_per_picture` stands for


@dataclass(frozen=True, kw_only=True)
class MachineFacts:
    """What the engine says of itself; written at start and after timings changed."""

    engine: str  # opaque id of the process
    device: str  # cpu | cuda | mps, with its name
    memory_mode: str
    dtype: str
    model: ModelFacts
    seconds_per_picture: float | None = None  # measured, PICTURE_STEPS with CFG
    seconds_per_training_step: float | None = None  # measured, batch of 4
    memory_bytes: int | None = None  # of the device, or main memory where there is no GPU
