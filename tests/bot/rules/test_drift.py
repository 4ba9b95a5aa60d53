"""Drift and twins: measured, said only when they stand out."""

from __future__ import annotations

import pytest

from bot.rules.drift import are_twins, drift_of, twin_of
from storage.records import Candidate, ContentHash, Drawing, Picture, Seed
from storage.states import PictureRole, Verdict


def picture(number: int, *features: float, phash: str = "") -> Picture:
    return Picture(
        id=number,
        job=1,
        position=number,
        quest=1,
        role=PictureRole.CANDIDATE,
        prompt="",
        negative="",
        subject="",
        seed=Seed(0),
        drawing=Drawing(),
        file=ContentHash(f"{number:064}"),
        features=features,
        phash=phash or f"{(number * 0x9E3779B97F4A7C15) % 2**64:016x}",
    )


def candidate(number: int, *features: float, verdict: Verdict = Verdict.UNSEEN, phash: str = "") -> Candidate:
    return Candidate(picture=picture(number, *features, phash=phash), number=number, verdict=verdict)


PICK = picture(100, 0.0, 0.0)
NEAR = [candidate(number, 0.1 * number, 0.0) for number in range(1, 8)]


def test_the_one_that_lies_far_from_the_pick_stands_out_and_its_neighbours_do_not() -> None:
    far = candidate(8, 3.0, 0.0)
    everyone = [*NEAR, far]
    found = drift_of(far.picture, PICK, everyone)
    near = drift_of(NEAR[2].picture, PICK, everyone)
    assert found is not None
    assert near is not None
    assert (found.stands_out, near.stands_out) == (True, False)
    assert found.closeness < near.closeness


def test_what_was_kept_moves_the_middle() -> None:
    kept = [candidate(number, 1.0, 0.0, verdict=Verdict.KEPT) for number in range(1, 4)]
    one = candidate(9, 1.0, 0.0)
    before, after = drift_of(one.picture, PICK, [one]), drift_of(one.picture, PICK, [*kept, one])
    assert before is not None
    assert after is not None
    assert after.distance < before.distance


def test_a_kept_picture_is_not_measured_against_itself() -> None:
    alone = candidate(1, 1.0, 0.0, verdict=Verdict.KEPT)
    found = drift_of(alone.picture, PICK, [alone])
    assert found is not None
    assert found.distance == 1.0


def test_without_features_nothing_is_claimed() -> None:
    assert drift_of(picture(1), PICK, []) is None
    assert drift_of(picture(1, 0.5), None, []) is None


def test_among_few_nothing_stands_out() -> None:
    far = candidate(3, 5.0, 0.0)
    found = drift_of(far.picture, PICK, [*NEAR[:2], far])
    assert found is not None
    assert not found.stands_out


def test_twins_have_nearly_the_same_hash_and_the_same_features() -> None:
    one = picture(1, 0.0, phash="00000000000000ff")
    assert are_twins(one, picture(2, 0.1, phash="00000000000000fe"))
    assert not are_twins(one, picture(3, 0.9, phash="00000000000000fe"))
    assert not are_twins(one, picture(4, 0.0, phash="ffffffff000000ff"))


def test_the_twin_named_is_the_earlier_one_and_never_a_rejected_one() -> None:
    hashes = {"phash": "00000000000000ff"}
    first, second = candidate(1, 0.0, **hashes), candidate(2, 0.0, **hashes)
    assert twin_of(second, [first, second]) == first
    assert twin_of(first, [first, second]) is None
    rejected = candidate(1, 0.0, verdict=Verdict.REJECTED, **hashes)
    assert twin_of(second, [rejected, second]) is None


@pytest.mark.parametrize(("bits", "twins"), [(5, True), (6, False)])
def test_twins_differ_in_five_bits_of_the_hash_at_most(bits: int, twins: bool) -> None:
    one, other = picture(1, 0.0, phash=f"{0:016x}"), picture(2, 0.0, phash=f"{(1 << bits) - 1:016x}")
    assert are_twins(one, other) is twins


@pytest.mark.parametrize(("times", "stands_out"), [(1.5, False), (1.7, True)])
def test_what_lies_well_beyond_the_median_stands_out_and_what_lies_near_it_does_not(
    times: float, stands_out: bool
) -> None:
    others = [candidate(number, 1.0, 0.0) for number in range(1, 8)]
    asked = candidate(8, times, 0.0)
    found = drift_of(asked.picture, PICK, [*others, asked])
    assert found is not None
    assert found.stands_out is stands_out
