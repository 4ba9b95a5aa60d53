"""Button payloads: `verb:arg:…:stamp`, at most 64 bytes. Knows no Telegram and no store."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

MAX_BYTES = 64  # Bot API: callback_data is 1–64 bytes of UTF-8
NUMBER = re.compile(r"0|[1-9][0-9]{0,14}")  # as we write one; no row or place of ours ever has more digits
STAMP = re.compile(r"0|[1-9][0-9]{0,31}")  # a quest's number with 14 digits more
REVISIONS = 10**4
MILLISECONDS = 10**10  # 115 days until a moment could come again


class Verb(StrEnum):
    """What a button does. The names are part of the contract with scripts that play the quest; see docs/buttons.md."""

    QUEST_NEW = "quest.new"
    QUEST_OPEN = "quest.open"
    QUEST_LIST = "quest.list"
    QUEST_DELETE = "quest.delete"
    QUEST_EXAMPLE = "quest.example"
    STYLE_KIND = "style.kind"
    STYLE_PAGE = "style.page"
    STYLE_PRESET = "style.preset"
    STYLE_WORDS = "style.words"
    STYLE_AVOID = "style.avoid"
    STYLE_OK = "style.ok"
    TRIGGER_USE = "trigger.use"
    TRIGGER_OK = "trigger.ok"
    HUNT_SUBJECT = "hunt.subject"
    HUNT_START = "hunt.start"
    HUNT_MORE = "hunt.more"
    HUNT_PICK = "hunt.pick"
    HUNT_STRONGER = "hunt.stronger"
    HUNT_WEAKER = "hunt.weaker"
    HUNT_COMPARE = "hunt.compare"
    PAYLOAD_WAY = "payload.way"
    PAYLOAD_SUBJECTS = "payload.subjects"
    PAYLOAD_START = "payload.start"
    PAYLOAD_STOP = "payload.stop"
    PAYLOAD_MORE = "payload.more"
    CURATE_KEEP = "curate.keep"
    CURATE_REJECT = "curate.reject"
    CURATE_SKIP = "curate.skip"
    CURATE_UNDO = "curate.undo"
    CURATE_SHEET = "curate.sheet"
    CURATE_CARDS = "curate.cards"
    CURATE_PAGE = "curate.page"
    CURATE_KEEP_ALL = "curate.keepall"
    CURATE_TWIN = "curate.twin"
    CURATE_DONE = "curate.done"
    PREPARE_OK = "prepare.ok"
    CAPTIONS_OK = "captions.ok"
    CAPTIONS_ONE = "captions.one"
    CAPTIONS_EDIT = "captions.edit"
    CAPTIONS_FIX = "captions.fix"
    CAPTIONS_LEAVE = "captions.leave"
    TRAIN_PRESET = "train.preset"
    TRAIN_WHY = "train.why"
    TRAIN_NUMBERS = "train.numbers"
    TRAIN_PAGE = "train.page"
    TRAIN_SET = "train.set"
    TRAIN_START = "train.start"
    TRAIN_STOP = "train.stop"
    TRAIN_SAMPLE = "train.sample"
    SEAL_PICK = "seal.pick"
    SEAL_CHOICE = "seal.choice"
    TRY_STRENGTH = "try.strength"
    TRY_SWEEP = "try.sweep"
    TRY_COMPARE = "try.compare"
    TAKE_OPEN = "take.open"
    TAKE_LORA = "take.lora"
    TAKE_DATASET = "take.dataset"
    TAKE_CARD = "take.card"
    PASTED_TAKE = "pasted.take"
    PASTED_PLAIN = "pasted.plain"
    PASTED_DROP = "pasted.drop"
    JOB_CANCEL = "job.cancel"
    LANGUAGE_OPEN = "language.open"
    LANGUAGE_SET = "language.set"
    FORGET_ASK = "forget.ask"
    FORGET_YES = "forget.yes"
    EXPORT_ALL = "export.all"
    ADMIN_PAUSE = "admin.pause"
    ADMIN_RESUME = "admin.resume"
    ADMIN_CANCEL = "admin.cancel"
    ADMIN_CANCEL_YES = "admin.cancelyes"
    ADMIN_REFRESH = "admin.refresh"
    NAV_BACK = "nav.back"
    NAV_HOME = "nav.home"


class TapUnreadable(ValueError):
    """This button's payload is not one of ours."""


@dataclass(frozen=True)
class Stamp:
    """What a button was drawn for: a quest (0: none) at one of its revisions, and when.

    The moment makes two drawings of one button differ, so that only a true double tap is taken for one. On the wire
    it is one number: quest, four digits of the revision, ten digits of milliseconds.
    """

    quest: int = 0
    revision: int = 0
    moment: int = 0

    def __int__(self) -> int:
        return (self.quest * REVISIONS + self.revision % REVISIONS) * MILLISECONDS + self.moment % MILLISECONDS

    @classmethod
    def read(cls, text: str) -> Stamp:
        """What `str(int(stamp))` wrote. Raises ValueError for anything else."""
        if not STAMP.fullmatch(text):
            raise ValueError("no stamp of ours")
        drawn_for, moment = divmod(int(text), MILLISECONDS)
        return cls(*divmod(drawn_for, REVISIONS), moment)


@dataclass(frozen=True)
class Tap:
    """A button's payload: what to do, to what, and what the button was drawn for."""

    verb: Verb
    args: tuple[str, ...] = ()
    stamp: Stamp = Stamp()

    def data(self) -> str:
        """As `callback_data`. Raises ValueError when it would not fit 64 bytes or an argument holds a colon."""
        if any(":" in arg for arg in self.args):
            raise ValueError("an argument of a tap may not hold a colon")
        text = ":".join((self.verb, *self.args, str(int(self.stamp))))
        if len(text.encode()) > MAX_BYTES:
            raise ValueError(f"{text!r} is longer than {MAX_BYTES} bytes")
        return text

    @classmethod
    def read(cls, data: str) -> Tap:
        """The tap in `data`. Raises TapUnreadable for anything that `data()` never writes."""
        verb, *rest = data.split(":")
        try:
            *args, stamp = rest
            if any(_is_strange_number(arg) for arg in args):
                raise ValueError("no number as we write it")
            return cls(Verb(verb), tuple(args), Stamp.read(stamp))
        except ValueError as error:
            raise TapUnreadable(data[:MAX_BYTES]) from error


def _is_strange_number(arg: str) -> bool:
    """Whether Python would read it as a number that we never write: signed, padded, in other digits, too large."""
    try:
        int(arg)
    except ValueError:
        return False
    return NUMBER.fullmatch(arg) is None
