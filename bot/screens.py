"""What a person sees, as data: screens, albums, documents, and the pictures on them. No Telegram, no pixels, no store.

Everything here is frozen and goes through `storage.documents` into the outbox; bot/sheets draws at delivery.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from storage.records import ContentHash, LossPoint

SCREEN = "screen"  # the slot of where a person stands; it stays below what they write
LONGEST_COPY = 256  # UTF-16 units, Bot API: CopyTextButton


@dataclass(frozen=True, kw_only=True)
class Button:
    """A button: what it says and the tap behind it (as `Tap.data()` wrote it)."""

    label: str
    data: str
    look: Literal["", "primary", "success", "danger"] = ""


@dataclass(frozen=True, kw_only=True)
class CopyButton:
    """A button that copies a text (1 to LONGEST_COPY UTF-16 units) on the person's device."""

    label: str
    copies: str


Row = tuple[Button | CopyButton, ...]


def in_rows(buttons: Sequence[Button], columns: int) -> tuple[Row, ...]:
    """Buttons side by side, so many in a row."""
    return tuple(tuple(buttons[start : start + columns]) for start in range(0, len(buttons), columns))


@dataclass(frozen=True, kw_only=True)
class Shown:
    """One stored picture, scaled up to a size a phone likes."""

    type: Literal["shown"] = "shown"
    file: ContentHash


@dataclass(frozen=True, kw_only=True)
class Asset:
    """A picture that ships with the bot: a path below bot/library."""

    type: Literal["asset"] = "asset"
    path: str


@dataclass(frozen=True, kw_only=True)
class Cell:
    """One place of a sheet. `file` None is drawn as an empty place."""

    file: ContentHash | None = None
    asset: str = ""
    label: str = ""
    framed: bool = False
    crossed: bool = False  # rejected: drawn pale


@dataclass(frozen=True, kw_only=True)
class Sheet:
    """Cells in rows of `columns`, with optional headings of columns and rows."""

    type: Literal["sheet"] = "sheet"
    cells: tuple[Cell, ...]
    columns: int
    column_labels: tuple[str, ...] = ()
    row_labels: tuple[str, ...] = ()
    framed_column: int | None = None


@dataclass(frozen=True, kw_only=True)
class TrainingView:
    """The loss curve over a strip of samples (rows = prompts, columns = checkpoints so far)."""

    type: Literal["training"] = "training"
    losses: tuple[LossPoint, ...]
    total_steps: int
    axis_step: str  # words for the axes, in the person's language
    axis_loss: str
    legend_training: str
    legend_validation: str
    elbow: int = 0  # step of the validation curve's elbow; 0 for none
    advised: int = 0  # step of the recommended checkpoint; 0 while it trains
    legend_weights: str = ""
    legend_elbow: str = ""
    legend_advised: str = ""
    strip: Sheet | None = None


PictureSource = Shown | Asset | Sheet | TrainingView


@dataclass(frozen=True, kw_only=True)
class Screen:
    """One message with buttons. With `fresh` it is a new message; otherwise the slot's message is edited in place."""

    type: Literal["screen"] = "screen"
    text: str  # Telegram HTML; ≤ 4096 characters after parsing, ≤ 1024 with a picture
    picture: PictureSource | None = None
    rows: tuple[Row, ...] = ()
    slot: str = SCREEN
    fresh: bool = False
    pinned: bool = False
    as_file: bool = False  # the picture as a document: Telegram refused it as a photo


@dataclass(frozen=True, kw_only=True)
class Album:
    """2–10 pictures in one message group; it cannot carry buttons.

    `apart`: Telegram refused the group, so the first of what is left goes alone (`as_file`: as a document). `words` are
    captions of pictures that it took in no form.
    """

    type: Literal["album"] = "album"
    pictures: tuple[Shown, ...]
    captions: tuple[str, ...] = ()
    apart: bool = False
    as_file: bool = False
    words: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Document:
    """A file in its original bytes."""

    type: Literal["document"] = "document"
    file: ContentHash
    filename: str
    text: str = ""


@dataclass(frozen=True, kw_only=True)
class Notice:
    """A plain message without buttons that stands for itself."""

    type: Literal["notice"] = "notice"
    text: str


@dataclass(frozen=True, kw_only=True)
class Answer:
    """The answer to a tap: a toast (≤ 200 characters) or, for what must be read, an alert."""

    type: Literal["answer"] = "answer"
    callback_query_id: str
    text: str = ""
    alert: bool = False


@dataclass(frozen=True, kw_only=True)
class Retire:
    """Take the buttons off the slot's message: that step is over."""

    type: Literal["retire"] = "retire"
    slot: str


Message = Screen | Album | Document | Notice | Answer | Retire


@dataclass(frozen=True, kw_only=True)
class Reply:
    """What a handler answers: a toast for the tap and messages to show, in order."""

    toast: str = ""
    alert: bool = False
    messages: tuple[Message, ...] = ()
    refused: bool = False  # it could not be done now, and the same button may ask again
