"""What people send is made readable once: nothing unseen stays, and nothing seen goes."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.rules.lengths import cut, units
from bot.rules.written import readable


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("a\0 cat\x01\x1b", "a cat"),
        ("one\r\ntwo\rthree\u2028four\x85five", "one\ntwo\nthree\nfour\nfive"),
        ("\u202etac\u202c \u200ba\ufeff\u2060", "tac a"),
        ("soft\u00adly\ttyped", "softly typed"),
        ("\ud83d broken", " broken"),
        ("cafe\u0301", "café"),
        ("\u3164\u2800", ""),
        ("e" + "\u0301" * 100, "é" + "\u0301" * 6),
    ],
)
def test_what_nobody_sees_goes_and_newlines_are_one_kind(text: str, seen: str) -> None:
    assert readable(text) == seen


@pytest.mark.parametrize(
    "text", ["👨‍👩‍👧 лиса", "🏳️‍🌈 ❤️ 1️⃣ 👍🏽", "🏴\U000e0067\U000e0062\U000e0065\U000e007f", "کتاب‌ها", "क्‍ष", "한글 成"]
)
def test_what_is_seen_stays_with_the_joiners_that_it_needs(text: str) -> None:
    assert readable(text) == text


@given(st.text(st.characters(), max_size=80))
def test_any_text_comes_out_readable_and_stays_as_it_then_is(text: str) -> None:
    seen = readable(text)
    assert readable(seen) == seen
    seen.encode()  # no lone surrogate is left
    assert not [char for char in seen if unicodedata.category(char) == "Cc" and char != "\n"]


@given(st.text(max_size=60), st.integers(0, 40))
def test_a_cut_text_is_as_long_as_may_be_and_begins_as_the_whole(text: str, most: int) -> None:
    assert units(cut(text, most)) <= most
    assert text.startswith(cut(text, most))


def test_no_sign_is_cut_in_two() -> None:
    assert cut("👨‍👩‍👧👨‍👩‍👧", 10) == "👨‍👩‍👧"
    assert cut("ae\u0301", 2) == "a"
    assert cut("a long name", 7, ending="…") == "a long…"
