"""Names use the field's words: a closed list of private words, each with the word that stands in its place."""

from __future__ import annotations

import pytest

from tests.house.sources import HOUSES, sources, words_of

# private word → the field's word; over names only, prose may say what it likes
GONE = {
    "wear": "activate (an adapter)", "wears": "activate", "worn": "active", "wore": "active",
    "dress": "activate", "dressed": "active", "undress": "deactivate", "undressed": "without adapters",
    "teach": "train, fine-tune", "taught": "trained", "lesson": "dataset", "sitting": "session", "pupil": "student",
    "foretelling": "mean-latent regression", "foretell": "predict",
    "yardstick": "validation loss", "heap": "allocator settings",
    "told": "notified", "untold": "pending", "news": "progress event",
    "grant": "acknowledge", "bury": "requeue or quarantine", "deaths": "crash count",
    "owe": "enqueue", "owes": "enqueue", "owed": "pending", "park": "dead-letter", "parked": "dead-lettered",
    "doubt": "delivery check",
    "wrote": "on_text",
    "resting": "shadow weights",
}  # fmt: skip
# the same, where a word is right elsewhere: (folders, private word) → the field's word
GONE_THERE = {
    (("engine/training",), "guard"): "divergence check",
    (("engine/training",), "trial"): "dry run",
    (("engine/training",), "moved"): "augmented",
    (("engine/training",), "averages"): "EMA",
    (("engine/training",), "beginning"): "embedding initialisation",
    (("engine/training",), "refusals"): "validation",
    (("engine/training",), "kept"): "prior preservation",
    (("engine/jobs", "engine/node"), "tell"): "persist",
    (("engine",), "taking"): "export",
    (("bot/steps",), "came"): "on_done",
    (("bot/steps",), "arrived"): "on_job_update",
}
WHOLE = {"this": "self"}  # as a whole name only


@pytest.mark.parametrize("word", sorted(GONE))
def test_a_private_word_names_nothing(word: str) -> None:
    assert [f"{s.path}: {name}" for s in sources(*HOUSES) for name in s.names() if word in words_of(name)] == []


@pytest.mark.parametrize(("folders", "word"), sorted(GONE_THERE))
def test_a_private_word_names_nothing_where_the_field_has_another(folders: tuple[str, ...], word: str) -> None:
    assert [f"{s.path}: {name}" for s in sources(*folders) for name in s.names() if word in words_of(name)] == []


@pytest.mark.parametrize("word", sorted(WHOLE))
def test_a_name_says_what_it_holds(word: str) -> None:
    assert [s.path for s in sources(*HOUSES) if word in s.names()] == []
