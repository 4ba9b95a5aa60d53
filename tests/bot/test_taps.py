"""A button's payload is read only as we write it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.taps import Tap, TapUnreadable, Verb

LARGEST_QUEST = 10**14  # far above any row's number


@given(st.sampled_from(Verb), st.integers(0, 10**15 - 1), st.integers(0, LARGEST_QUEST * 10**14))
def test_what_we_write_is_read_as_it_was(verb: Verb, number: int, rev: int) -> None:
    tap = Tap(verb, (str(number),), rev)
    assert Tap.read(tap.data()) == tap


@pytest.mark.parametrize("number", ["-1", "+1", "007", "00", " 1", "1_0", "٣", "１", str(2**63), str(2**64), "9" * 20])
def test_a_number_that_no_button_of_ours_holds_cannot_be_read(number: str) -> None:
    with pytest.raises(TapUnreadable):
        Tap.read(f"job.cancel:{number}:0")


@pytest.mark.parametrize("rev", ["", "x", "-1", "007", "1_0", "٣", "9" * 33])
def test_a_revision_that_no_quest_can_have_cannot_be_read(rev: str) -> None:
    with pytest.raises(TapUnreadable):
        Tap.read(f"job.cancel:1:{rev}")


@given(st.text(max_size=64))
def test_any_other_text_is_unreadable_and_nothing_worse(text: str) -> None:
    try:
        tap = Tap.read(text)
    except TapUnreadable:
        return
    assert tap.data() == text
