"""What exists: frozen records that bot and engine share. Standard library only; (de)serialised by storage.documents."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import NewType

from storage.states import (
    JobKind,
    JobState,
    Lane,
    PaletteKind,
    PictureRole,
    Sampler,
    Stage,
    Step,
    Verdict,
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
    strength: int = 0  # -3 … 3: how much stronger or weaker than written (0)
    trigger: str = ""
    drawing: Drawing = field(default_factory=Drawing)


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """The numbers of a training; SPEC.md step 7 gives the reason for each."""

    preset: str = "balanced"  # fast | balanced | thorough
    rank: int = 32
    alpha: int = 32
    learning_rate: float = 1e-4
    text_encoder_learning_rate: float = 0.0  # 0 = off
    batch_size: int = 4
    accumulation: int = 1
    epochs: int = 30
    steps: int = 400  # optimizer steps in all; epochs is what they amount to
    targets: tuple[str, ...] = ("to_q", "to_k", "to_v", "to_out.0")
    min_snr_gamma: float | None = 5.0
    use_rslora: bool = False
    use_dora: bool = False
    optimizer: str = "adamw"  # adamw | adamw8bit | prodigy | dadaptation
    schedule: str = "cosine"  # constant | cosine | linear | cosine-restarts
    warmup_steps: int = 10
    max_grad_norm: float = 1.0
    weight_decay: float = 0.01
    caption_dropout: float = 0.05
    checkpoints: int = 4  # how many are kept to choose from
    seed: Seed = Seed(0)
    kind: str = "style"  # style | character | concept: what the preset was made for
    rank_pattern: dict[str, int] = field(default_factory=dict)  # PEFT's: regular expression of module names → rank
    alpha_pattern: dict[str, int] = field(default_factory=dict)
    loraplus_ratio: float = 1.0  # learning rate of B over that of A; 1 = off
    ema_decay: float = 0.0  # 0 = off
    loss: str = "mse"  # mse | huber | smooth_l1
    debiased: bool = False
    huber_delta: float = 0.1
    noise_offset: float = 0.0
    timesteps: str = "stratified"  # uniform | stratified | style
    masked: bool = False  # the loss counts only where a picture is opaque
    flip: bool = False  # every other showing is mirrored
    moved: int = 0  # so many showings more of every picture, each elsewhere in its frame and a little turned; 0 = off
    crops: int = 1  # cached crops of a picture that is not square
    buckets: int = 1  # aspect ratios at most
    shuffle_caption: bool = False  # the trigger's and the parts' order changes
    prior_weight: float = 0.0  # 0 = off
    prior: str = "trigger"  # trigger: same latents without it, the bare model's answer is the target | class: pictures
    class_prompt: str = ""
    class_pictures: int = 0
    new_tokens: int = 0  # pivotal tuning: learnt embeddings for the trigger; 0 = off
    # Words that the learnt embeddings may begin as; those nearest to the palette are taken. None: as the trigger itself
    initializers: tuple[str, ...] = ()
    token_learning_rate: float = 5e-4
    lora: bool = True  # False: textual inversion alone


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
    way: str = "a"  # payload: a = own seed each, b = one seed for all
    subjects: tuple[str, ...] = ()  # typed by the person
    subjects_from: str = "list"  # list | own | both
    recipe: Recipe = field(default_factory=Recipe)
    seal: int | None = None  # Seal.id once picked
    seal_strength: float = 0.8
    cursor: int = 0  # page, card or caption now shown
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
    phase: str = ""  # encoding | drawing | training | measuring | writing


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
    deaths: int  # engines that died on it
    run_after: datetime
    lease_owner: str | None
    lease_token: int  # fencing token: grows by one a claim
    lease_until: datetime | None
    wish: Wish
    error: str | None  # name of the error class, and facts, as JSON: {"error": "OutOfMemory", ...}
    version: int  # grows with every write that people may want to hear of
    told: int  # the version last put into words
    created: datetime
    started: datetime | None
    finished: datetime | None


@dataclass(frozen=True, kw_only=True)
class ModelFacts:
    """What the engine says of the model in use."""

    name: str
    family: str  # sd1 | sd2 | sdxl | emoji
    size_px: int  # native resolution
    prediction: str  # epsilon | v_prediction
    tokenizer: ContentHash  # tokenizer.json
    max_tokens: int  # of the text encoder, with start and end
    sha256: str = ""  # of the U-Net weights, for PNG parameters (first 10 digits shown)


@dataclass(frozen=True, kw_only=True)
class MachineFacts:
    """What the engine says of itself; written at start and after timings changed."""

    engine: str  # opaque id of the process
    device: str  # cpu | cuda | mps, with its name
    memory_mode: str
    dtype: str
    model: ModelFacts
    seconds_per_picture: float | None = None  # measured, 20 steps with CFG
    seconds_per_training_step: float | None = None  # measured, batch of 4
    memory_bytes: int | None = None  # of the device, or main memory where there is no GPU


@dataclass(frozen=True, kw_only=True)
class QueuePlace:
    """Where a job stands: jobs before it, and an honest guess of the wait."""

    before: int
    seconds: float | None
