"""The journey as a table: where a quest stands × what happens → where it goes. No I/O; walk.py obeys it."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple

from storage.errors import StylesealError
from storage.states import Stage, Step


class MoveRefused(StylesealError):
    """This move is not in the table of allowed moves."""


class Place(NamedTuple):
    """Where a quest stands."""

    step: Step
    stage: Stage


class Event(StrEnum):
    """What moves a quest. Going back is one too."""

    KIND_CHOSEN = "kind chosen"
    LOOK_CHOSEN = "look chosen"
    OWN_WORDS = "own words asked for"
    AVOID = "what to avoid asked for"
    WORDS_WRITTEN = "words written"
    STYLE_SET = "style set"
    TRIGGER_SET = "trigger set"
    ASKED = "drawing asked for"  # of hunt or payload
    ALBUM_DRAWN = "album drawn"
    DRAWING_ENDED = "drawing ended without pictures"
    OTHER_SUBJECT = "other subject asked for"
    PICKED = "probe picked"
    SUBJECTS_ASKED = "own subjects asked for"
    SUBJECTS_SET = "own subjects set"
    PAYLOAD_DRAWN = "payload drawn"
    SHEET = "sheet asked for"
    CARDS = "cards asked for"
    COUNT_OUTSIDE = "kept count is outside the target"
    MORE_ASKED = "more candidates asked for"
    CURATED = "palette accepted"
    PREPARED = "prepared"
    ONE = "one caption asked for"
    LIST = "captions asked for"
    CAPTIONED = "captions accepted"
    NUMBERS = "numbers asked for"
    REASONS = "reasons of the numbers asked for"
    TRAINING_ASKED = "training asked for"
    TRAINED = "training ended"
    TRAINING_LOST = "training ended without a checkpoint"
    CHECKPOINT_PICKED = "checkpoint picked"
    CHOOSE_AGAIN = "another checkpoint asked for"
    TAKE = "take home asked for"
    BACK = "back"


KIND = Place(Step.STYLE, Stage.KIND)
LOOKS = Place(Step.STYLE, Stage.LOOKS)
WORDS = Place(Step.STYLE, Stage.WORDS)
AVOID = Place(Step.STYLE, Stage.AVOID)
CARD = Place(Step.STYLE, Stage.CARD)
TRIGGER = Place(Step.STYLE, Stage.TRIGGER)
SUBJECT = Place(Step.HUNT, Stage.SUBJECT)
HUNTING = Place(Step.HUNT, Stage.DRAWING)
ALBUM = Place(Step.HUNT, Stage.ALBUM)
WAY = Place(Step.PAYLOAD, Stage.WAY)
SUBJECTS = Place(Step.PAYLOAD, Stage.SUBJECTS)
FILLING = Place(Step.PAYLOAD, Stage.DRAWING)
CARDS = Place(Step.CURATION, Stage.CARDS)
SHEET = Place(Step.CURATION, Stage.SHEET)
COUNT = Place(Step.CURATION, Stage.COUNT)
CROPS = Place(Step.PREPARATION, Stage.CROPS)
LIST = Place(Step.CAPTIONS, Stage.LIST)
ONE = Place(Step.CAPTIONS, Stage.ONE)
RECIPE = Place(Step.TRAINING, Stage.RECIPE)
NUMBERS = Place(Step.TRAINING, Stage.NUMBERS)
REASONS = Place(Step.TRAINING, Stage.REASONS)
SEALING = Place(Step.TRAINING, Stage.SEALING)
CHECKPOINTS = Place(Step.TRAINING, Stage.CHECKPOINTS)
TRY = Place(Step.TRYING, Stage.TRY)
TAKE = Place(Step.TRYING, Stage.TAKE)

JOURNEY: dict[Place, dict[Event, Place]] = {
    KIND: {Event.KIND_CHOSEN: LOOKS},
    LOOKS: {Event.LOOK_CHOSEN: CARD, Event.OWN_WORDS: WORDS, Event.WORDS_WRITTEN: CARD, Event.BACK: KIND},
    WORDS: {Event.WORDS_WRITTEN: CARD, Event.LOOK_CHOSEN: CARD, Event.BACK: LOOKS},
    AVOID: {Event.WORDS_WRITTEN: CARD, Event.BACK: CARD},
    CARD: {Event.STYLE_SET: TRIGGER, Event.OWN_WORDS: WORDS, Event.AVOID: AVOID, Event.BACK: LOOKS},
    TRIGGER: {Event.TRIGGER_SET: SUBJECT, Event.BACK: CARD},
    SUBJECT: {Event.ASKED: HUNTING, Event.BACK: TRIGGER},
    HUNTING: {Event.ALBUM_DRAWN: ALBUM, Event.DRAWING_ENDED: SUBJECT, Event.BACK: SUBJECT},
    ALBUM: {
        Event.ASKED: HUNTING,
        Event.PICKED: WAY,
        Event.OTHER_SUBJECT: SUBJECT,
        Event.OWN_WORDS: WORDS,
        Event.BACK: SUBJECT,
    },
    WAY: {Event.ASKED: FILLING, Event.SUBJECTS_ASKED: SUBJECTS, Event.SUBJECTS_SET: WAY, Event.BACK: ALBUM},
    SUBJECTS: {Event.SUBJECTS_SET: WAY, Event.ASKED: FILLING, Event.BACK: WAY},
    FILLING: {Event.PAYLOAD_DRAWN: CARDS, Event.DRAWING_ENDED: WAY},
    CARDS: {
        Event.SHEET: SHEET,
        Event.COUNT_OUTSIDE: COUNT,
        Event.MORE_ASKED: FILLING,
        Event.CURATED: CROPS,
        Event.BACK: WAY,
    },
    SHEET: {
        Event.CARDS: CARDS,
        Event.COUNT_OUTSIDE: COUNT,
        Event.MORE_ASKED: FILLING,
        Event.CURATED: CROPS,
        Event.BACK: CARDS,
    },
    COUNT: {
        Event.CARDS: CARDS,
        Event.SHEET: SHEET,
        Event.MORE_ASKED: FILLING,
        Event.CURATED: CROPS,
        Event.BACK: CARDS,
    },
    CROPS: {Event.PREPARED: LIST, Event.BACK: CARDS},
    LIST: {Event.ONE: ONE, Event.CAPTIONED: RECIPE, Event.BACK: CARDS},
    ONE: {Event.ONE: ONE, Event.LIST: LIST, Event.CAPTIONED: RECIPE, Event.BACK: LIST},
    RECIPE: {
        Event.NUMBERS: NUMBERS,
        Event.REASONS: REASONS,
        Event.TRAINING_ASKED: SEALING,
        Event.BACK: LIST,
    },
    REASONS: {Event.NUMBERS: NUMBERS, Event.TRAINING_ASKED: SEALING, Event.BACK: RECIPE},
    NUMBERS: {Event.TRAINING_ASKED: SEALING, Event.BACK: RECIPE},
    SEALING: {Event.TRAINED: CHECKPOINTS, Event.TRAINING_LOST: RECIPE},
    CHECKPOINTS: {Event.CHECKPOINT_PICKED: TRY, Event.BACK: RECIPE},
    TRY: {Event.CHOOSE_AGAIN: CHECKPOINTS, Event.TAKE: TAKE, Event.BACK: CHECKPOINTS},
    TAKE: {Event.CHOOSE_AGAIN: CHECKPOINTS, Event.TAKE: TAKE, Event.BACK: TRY},
}
# From these, back leads home and the work goes on: what runs for minutes is stopped by its own button only.
BACK_IS_HOME = frozenset({KIND, FILLING, SEALING})
