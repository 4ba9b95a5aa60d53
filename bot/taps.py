"""Button payloads: `verb:arg:…:rev`, at most 64 bytes. Knows no Telegram and no store."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

MAX_BYTES = 64  # Bot API: callback_data is 1–64 bytes of UTF-8
NUMBER = re.compile(r"0|[1-9][0-9]{0,14}")  # as we write one; no row or place of ours ever has more digits
REVISION = re.compile(r"0|[1-9][0-9]{0,31}")  # a quest's number with 14 digits more, see Walk.number; fits 64 bits


class Verb(StrEnum):
    """What a button does. The names are part of the contract with scripts that play the quest."""

    QUEST_NEW = "quest.new"
    QUEST_OPEN = "quest.open"  # quest id
    QUEST_LIST = "quest.list"
    QUEST_DELETE = "quest.delete"  # quest id
    QUEST_EXAMPLE = "quest.example"
    STYLE_KIND = "style.kind"  # style | character | concept
    STYLE_PAGE = "style.page"  # page from 0
    STYLE_PRESET = "style.preset"  # name
    STYLE_WORDS = "style.words"
    STYLE_AVOID = "style.avoid"
    STYLE_OK = "style.ok"
    TRIGGER_USE = "trigger.use"  # word
    TRIGGER_OK = "trigger.ok"
    HUNT_SUBJECT = "hunt.subject"  # number in the list
    HUNT_START = "hunt.start"
    HUNT_MORE = "hunt.more"
    HUNT_PICK = "hunt.pick"  # 1 … n, numbered on over all albums of the quest's hunt
    HUNT_STRONGER = "hunt.stronger"
    HUNT_WEAKER = "hunt.weaker"
    HUNT_COMPARE = "hunt.compare"
    PAYLOAD_WAY = "payload.way"  # a | b
    PAYLOAD_SUBJECTS = "payload.subjects"  # list | own | both
    PAYLOAD_START = "payload.start"
    PAYLOAD_STOP = "payload.stop"
    PAYLOAD_MORE = "payload.more"  # how many
    CURATE_KEEP = "curate.keep"  # picture id
    CURATE_REJECT = "curate.reject"  # picture id
    CURATE_SKIP = "curate.skip"  # picture id
    CURATE_UNDO = "curate.undo"
    CURATE_SHEET = "curate.sheet"
    CURATE_CARDS = "curate.cards"
    CURATE_PAGE = "curate.page"  # page from 0
    CURATE_KEEP_ALL = "curate.keepall"  # page
    CURATE_TWIN = "curate.twin"  # picture id
    CURATE_DONE = "curate.done"
    CURATE_FORCE = "curate.force"
    PREPARE_OK = "prepare.ok"
    CAPTIONS_OK = "captions.ok"
    CAPTIONS_ONE = "captions.one"  # position from 0
    CAPTIONS_EDIT = "captions.edit"  # picture id
    CAPTIONS_FIX = "captions.fix"  # picture id; none = all
    CAPTIONS_LEAVE = "captions.leave"  # picture id; none = all
    TRAIN_PRESET = "train.preset"  # fast | balanced | thorough
    TRAIN_WHY = "train.why"
    TRAIN_NUMBERS = "train.numbers"
    TRAIN_PAGE = "train.page"  # 0 for all pages, 1 … n
    TRAIN_SET = "train.set"  # number name
    TRAIN_START = "train.start"
    TRAIN_STOP = "train.stop"
    TRAIN_SAMPLE = "train.sample"
    SEAL_PICK = "seal.pick"  # checkpoint step
    SEAL_CHOICE = "seal.choice"  # back to the checkpoint sheet
    TRY_STRENGTH = "try.strength"  # 0.6 | 0.8 | 1.0
    TRY_SWEEP = "try.sweep"
    TRY_COMPARE = "try.compare"
    TAKE_OPEN = "take.open"
    TAKE_LORA = "take.lora"  # kohya | diffusers; none = both
    TAKE_DATASET = "take.dataset"
    TAKE_CARD = "take.card"
    PASTED_TAKE = "pasted.take"
    PASTED_PLAIN = "pasted.plain"
    PASTED_DROP = "pasted.drop"
    JOB_CANCEL = "job.cancel"  # job id
    LANGUAGE_OPEN = "language.open"
    LANGUAGE_SET = "language.set"  # en | ru | ko
    FORGET_ASK = "forget.ask"
    FORGET_YES = "forget.yes"
    EXPORT_ALL = "export.all"
    ADMIN_PAUSE = "admin.pause"
    ADMIN_RESUME = "admin.resume"
    ADMIN_CANCEL = "admin.cancel"  # job id
    ADMIN_CANCEL_YES = "admin.cancelyes"  # job id
    ADMIN_REFRESH = "admin.refresh"
    NAV_BACK = "nav.back"
    NAV_HOME = "nav.home"


class TapUnreadable(ValueError):
    """This button's payload is not one of ours."""


@dataclass(frozen=True)
class Tap:
    """A button's payload: what to do, to what, and the revision of the quest it was drawn for."""

    verb: Verb
    args: tuple[str, ...] = ()
    rev: int = 0

    def data(self) -> str:
        """As `callback_data`. Raises ValueError when it would not fit 64 bytes or an argument holds a colon."""
        if any(":" in arg for arg in self.args):
            raise ValueError("an argument of a tap may not hold a colon")
        text = ":".join((self.verb, *self.args, str(self.rev)))
        if len(text.encode()) > MAX_BYTES:
            raise ValueError(f"{text!r} is longer than {MAX_BYTES} bytes")
        return text

    @classmethod
    def read(cls, data: str) -> Tap:
        """The tap in `data`. Raises TapUnreadable for anything that `data()` never writes."""
        verb, *rest = data.split(":")
        try:
            *args, rev = rest
            if not REVISION.fullmatch(rev) or any(_is_strange_number(arg) for arg in args):
                raise ValueError("no number as we write it")
            return cls(Verb(verb), tuple(args), int(rev))
        except ValueError as error:
            raise TapUnreadable(data[:MAX_BYTES]) from error


def _is_strange_number(arg: str) -> bool:
    """Whether Python would read it as a number that we never write: signed, padded, in other digits, too large."""
    try:
        int(arg)
    except ValueError:
        return False
    return NUMBER.fullmatch(arg) is None
