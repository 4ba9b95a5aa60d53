"""What a finished training says of itself: a reading, a checkpoint to take, and why that one."""

from __future__ import annotations

import pytest

from bot.rules.curve import advised, begins_to_copy, labels, reading_key, reason_key
from bot.words import LANGUAGES, Words
from storage.records import Checkpoint, ContentHash
from storage.requests import TrainingAnswer, read_answer, write_answer
from storage.states import Diagnosis, JobKind


def checkpoint(step: int, style: float | None, kept: float = 0.95, copying: float = 0.5, epoch: int = 0) -> Checkpoint:
    file = ContentHash(str(step))
    return Checkpoint(
        job=1, step=step, epoch=epoch or step, adapter=file, style_gained=style, prompt_kept=kept, copying=copying
    )


def answer(reading: Diagnosis) -> TrainingAnswer:
    return TrainingAnswer(steps=120, seconds=1.0, recommended=80, reading=reading)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_reading_and_every_reason_has_its_sentence(language: str) -> None:
    words = Words(language)
    assert {reading_key(answer(reading)) for reading in Diagnosis} == {f"curve.{reading}" for reading in Diagnosis}
    assert all(words.plain(reading_key(answer(reading))) for reading in Diagnosis)
    assert all(words.plain(f"seal.why.{reason}") for reason in {reason for _, _, reason in REASONS})


def test_a_reading_of_a_newer_engine_is_told_as_a_good_one() -> None:
    written = write_answer(answer(Diagnosis.OVER)).replace("over", "sparkling")
    found = read_answer(JobKind.TRAINING, written)
    assert isinstance(found, TrainingAnswer)
    assert reading_key(found) == "curve.good"


REASONS = [
    ([checkpoint(40, 0.5)], 40, "only"),
    ([checkpoint(40, None), checkpoint(80, None)], 80, "only"),
    ([checkpoint(40, 0.02), checkpoint(80, 0.05)], 80, "little"),
    ([checkpoint(40, 0.5), checkpoint(80, 0.7)], 80, "last"),
    ([checkpoint(40, 0.7), checkpoint(80, 0.9, copying=0.95)], 40, "copies"),
    ([checkpoint(40, 0.7), checkpoint(80, 0.9, kept=0.8)], 40, "forgets"),
    ([checkpoint(40, 0.9), checkpoint(80, 0.92, kept=0.94)], 40, "settled"),
    ([checkpoint(40, 0.7), checkpoint(80, 0.8, kept=0.93)], 40, "trade"),
]


@pytest.mark.parametrize(("found", "best", "reason"), REASONS)
def test_the_reason_is_what_the_other_checkpoints_lack(found: list[Checkpoint], best: int, reason: str) -> None:
    taken = advised(found, best)
    assert taken is not None
    assert reason_key(found, taken) == f"seal.why.{reason}"


def test_without_advice_the_last_checkpoint_is_taken_and_without_any_none() -> None:
    found = [checkpoint(40, 0.5), checkpoint(80, 0.6)]
    assert advised(found, 0) is found[-1]
    assert advised([], 40) is None


def test_only_later_checkpoints_are_said_to_copy() -> None:
    early, late = checkpoint(40, 0.9, copying=0.95), checkpoint(80, 0.9)
    assert not begins_to_copy([early, late], late)
    assert begins_to_copy([checkpoint(20, 0.5), early], checkpoint(20, 0.5))


def test_checkpoints_are_called_by_epoch_unless_two_share_one() -> None:
    assert labels([checkpoint(40, 0.5, epoch=3), checkpoint(80, 0.5, epoch=6)]) == ("3", "6")
    assert labels([checkpoint(40, 0.5, epoch=3), checkpoint(80, 0.5, epoch=3)]) == ("40", "80")
