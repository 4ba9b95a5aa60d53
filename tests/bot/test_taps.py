"""A button's payload is read only as we write it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.taps import Stamp, Tap, TapUnreadable, Verb

LARGEST_QUEST = 10**14  # far above any row's number
STAMPS = st.builds(Stamp, st.integers(0, LARGEST_QUEST), st.integers(0, 9_999), st.integers(0, 10**10 - 1))


@given(st.sampled_from(Verb), st.integers(0, 10**15 - 1), STAMPS)
def test_what_we_write_is_read_as_it_was(verb: Verb, number: int, stamp: Stamp) -> None:
    tap = Tap(verb, (str(number),), stamp)
    assert Tap.read(tap.data()) == tap


def test_a_keyboard_that_the_version_before_drew_still_says_its_quest_and_revision() -> None:
    assert Tap.read("hunt.pick:2:70003" + "0012345678") == Tap(Verb.HUNT_PICK, ("2",), Stamp(7, 3, 12345678))
    assert Tap.read("quest.new:12345678") == Tap(Verb.QUEST_NEW, (), Stamp(moment=12345678))


def test_a_revision_and_a_moment_too_long_for_their_digits_begin_again() -> None:
    assert Tap.read(Tap(Verb.NAV_HOME, (), Stamp(7, 10_003, 10**10 + 5)).data()).stamp == Stamp(7, 3, 5)


@pytest.mark.parametrize("number", ["-1", "+1", "007", "00", " 1", "1_0", "٣", "１", str(2**63), str(2**64), "9" * 20])
def test_a_number_that_no_button_of_ours_holds_cannot_be_read(number: str) -> None:
    with pytest.raises(TapUnreadable):
        Tap.read(f"job.cancel:{number}:0")


@pytest.mark.parametrize("stamp", ["", "x", "-1", "007", "1_0", "٣", "9" * 33])
def test_a_stamp_that_no_button_can_have_cannot_be_read(stamp: str) -> None:
    with pytest.raises(TapUnreadable):
        Tap.read(f"job.cancel:1:{stamp}")


@given(st.text(max_size=64))
def test_any_other_text_is_unreadable_and_nothing_worse(text: str) -> None:
    try:
        tap = Tap.read(text)
    except TapUnreadable:
        return
    assert tap.data() == text
