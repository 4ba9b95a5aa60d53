"""Every job kind has one request, one answer and one lane, and what is written is what is read."""

from __future__ import annotations

import json

import pytest

from storage.errors import UnknownRequest
from storage.recipe import Recipe
from storage.records import ContentHash, Drawing, Seed
from storage.requests import (
    ANSWERS,
    REQUESTS,
    ROLES,
    CardFacts,
    CompareRequest,
    DrawnAnswer,
    ExportAnswer,
    ExportRequest,
    HuntRequest,
    PayloadRequest,
    Request,
    Row,
    SealUse,
    TrainingAnswer,
    TrainingPicture,
    TrainingRequest,
    TryRequest,
    read_answer,
    read_request,
    write_answer,
    write_request,
)
from storage.states import LANE_OF, Diagnosis, ExportKind, JobKind, Layout

FILE = ContentHash("ab" * 32)
ROW = Row(
    prompt="(лис:1.2), ink",
    negative="blurry",
    seed=Seed(2**32 - 1),
    subject="лис",
    drawing=Drawing(),
    seals=(SealUse(adapter=FILE, weight=0.8),),
)
PICTURE = TrainingPicture(file=FILE, caption="a fox, ohwx", subject="fox")
CARD = CardFacts(modifiers="ink", boosters="", pictures=1, captions=("a fox, ohwx",), checkpoint=None)
TRAINED = TrainingAnswer(steps=400, seconds=9.0, recommended=300, reading=Diagnosis.GOOD, copied_picture=2)
EXAMPLES: dict[JobKind, Request] = {
    JobKind.HUNT: HuntRequest(rows=(ROW,)),
    JobKind.COMPARE: CompareRequest(rows=(ROW, ROW), columns=2),
    JobKind.PAYLOAD: PayloadRequest(rows=(ROW,) * 3),
    JobKind.TRYING: TryRequest(rows=(ROW,), layout=Layout.PAIR, columns=2),
    JobKind.TRAINING: TrainingRequest(
        pictures=(PICTURE,), recipe=Recipe(min_snr_gamma=None), trigger="ohwx", name="ink", samples=(ROW,)
    ),
    JobKind.EXPORT: ExportRequest(
        what=ExportKind.CARD, name="ink", trigger="ohwx", recipe=Recipe(), pictures=(PICTURE,), card=CARD
    ),
}


BEFORE_ENUMS = {
    "training": """{"kind": "training", "version": 1, "body": {"pictures": [], "trigger": "ohwx", "name": "ink",
        "samples": [], "recipe": {"preset": "own", "schedule": "cosine-restarts", "optimizer": "prodigy",
        "loss": "huber", "timesteps": "style", "prior": "class", "kind": "character", "seed": 4294967295}}}""",
    "trying": """{"kind": "trying", "version": 1, "body": {"rows": [], "layout": "sweep", "columns": 7}}""",
    "taking": """{"kind": "taking", "version": 1, "body": {"what": "card", "name": "ink", "trigger": "ohwx",
        "recipe": {"preset": "fast"}, "card": "Draws like *ink*."}}""",
}


@pytest.mark.parametrize("kind", BEFORE_ENUMS)
def test_a_request_that_waited_since_its_choices_were_plain_words_is_read(kind: str) -> None:
    found = read_request(BEFORE_ENUMS[kind])
    assert kind == found.KIND
    assert read_request(write_request(found)) == found


def test_every_kind_has_a_request_an_answer_and_a_lane() -> None:
    assert set(REQUESTS) == set(ANSWERS) == set(LANE_OF) == set(JobKind) == set(EXAMPLES)
    assert all(request.KIND is kind for kind, request in REQUESTS.items())
    assert set(ROLES) == set(JobKind) - {JobKind.EXPORT}  # only that one draws nothing


@pytest.mark.parametrize("kind", JobKind)
def test_a_request_is_read_as_it_was_written(kind: JobKind) -> None:
    assert read_request(write_request(EXAMPLES[kind])) == EXAMPLES[kind]


@pytest.mark.parametrize("kind", JobKind)
def test_a_request_of_a_newer_styleseal_is_refused(kind: JobKind) -> None:
    newer = json.loads(write_request(EXAMPLES[kind]))
    newer["version"] += 1
    with pytest.raises(UnknownRequest):
        read_request(json.dumps(newer))


@pytest.mark.parametrize(
    "text", ["", "null", "[]", "{}", '{"kind": "dream"}', '{"kind": "hunt", "version": 1, "body": {}}']
)
def test_what_is_no_request_is_refused(text: str) -> None:
    with pytest.raises(UnknownRequest):
        read_request(text)


@pytest.mark.parametrize(
    ("kind", "answer"),
    [
        (JobKind.HUNT, DrawnAnswer(drawn=4, seconds=1.5)),
        (
            JobKind.TRAINING,
            TRAINED,
        ),
        (JobKind.EXPORT, ExportAnswer(file=FILE, filename="ink.safetensors", size_bytes=3)),
    ],
)
def test_an_answer_is_read_as_it_was_written(
    kind: JobKind, answer: DrawnAnswer | TrainingAnswer | ExportAnswer
) -> None:
    assert read_answer(kind, write_answer(answer)) == answer
