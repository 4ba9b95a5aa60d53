"""What a running job says to the worker, as facts. Jobs generate these; between two the worker may give way."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from storage.records import ContentHash, LossPoint, Progress
from storage.requests import Answer, Row
from storage.states import Wish


@dataclass(frozen=True, kw_only=True)
class Stepped:
    """One denoising step of a batch, or one optimizer micro-step, is over; nothing to store but the progress."""

    progress: Progress


@dataclass(frozen=True, kw_only=True)
class Drew:
    """A picture is finished; `png` holds its bytes with the A1111 `parameters` chunk."""

    position: int
    row: Row
    png: bytes
    progress: Progress
    step: int | None = None  # training step that drew it
    features: tuple[float, ...] = ()
    phash: str = ""


@dataclass(frozen=True, kw_only=True)
class SavedCheckpoint:
    """A point of a training to choose from. `adapter` is what `Bank.save` wrote."""

    step: int
    epoch: int
    adapter: bytes


@dataclass(frozen=True, kw_only=True)
class Trained:
    """Optimizer steps since the last `Trained`; stored together with the state to go on from, or not at all."""

    losses: tuple[LossPoint, ...]
    progress: Progress
    state: tuple[int, bytes] | None = None  # (step, resume file)
    checkpoint: SavedCheckpoint | None = None


@dataclass(frozen=True, kw_only=True)
class Measured:
    """What was measured on a checkpoint."""

    step: int
    style_gained: float
    prompt_kept: float
    copying: float
    progress: Progress


@dataclass(frozen=True, kw_only=True)
class Made:
    """A file that an answer refers to by the hash of its bytes; it is stored before the answer."""

    data: bytes
    suffix: str


@dataclass(frozen=True, kw_only=True)
class Granted:
    """What the person wished of the running job is done, and it goes on."""

    wish: Wish
    progress: Progress


@dataclass(frozen=True, kw_only=True)
class Finished:
    """The job's last word."""

    answer: Answer


Event = Stepped | Drew | Trained | Measured | Granted | Made | Finished


@dataclass
class Task:
    """What a job is handed beside its request: what earlier attempts left, and what the person now wishes.

    The worker sets `wish` and `stopping` between two events; a job looks at them where it may end early.
    """

    job_id: int
    read: Callable[[ContentHash], bytes]
    wish: Wish = Wish.NONE
    drawn: frozenset[int] = frozenset()  # positions that are stored already
    state: tuple[int, bytes] | None = None  # training: newest (step, resume file)
    went_back: bool = False  # a newer state could not be read
    stopping: bool = False  # the engine ends: a training says its state and then no more
    losses: tuple[LossPoint, ...] = ()
    checkpoints: dict[int, ContentHash] = field(default_factory=dict)  # step → adapter
    measures: dict[int, tuple[float, float, float]] = field(default_factory=dict)  # step → style, prompt, copying

    @property
    def measured(self) -> frozenset[int]:
        """Steps whose checkpoint has its measures."""
        return frozenset(self.measures)
