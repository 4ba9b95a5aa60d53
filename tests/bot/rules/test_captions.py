"""Captions: content and trigger; words of the look are found, struck through, and taken out."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.rules.caption_lint import LONGEST_CAPTION, draft, fixed, leaks, struck, tidy
from storage.records import Style

NEON = Style(modifiers="(neon sign:1.2), glowing", boosters="navy blue background", trigger="ohwx")


def test_a_draft_says_what_is_there_and_leaves_the_look_to_the_trigger() -> None:
    assert draft("owl", "ohwx") == "an owl, ohwx"
    assert leaks(draft("cat", "ohwx"), NEON) == ()


@pytest.mark.parametrize(
    ("caption", "found"),
    [
        ("a cat, neon, ohwx", ("neon",)),
        ("a Glowing cat, Navy, ohwx", ("Glowing", "Navy")),
        ("a neonatal ward, ohwx", ()),
        ("a cat in the background, ohwx", ()),
    ],
)
def test_words_of_the_style_are_leaks_whole_words_only(caption: str, found: tuple[str, ...]) -> None:
    assert leaks(caption, NEON) == found


@pytest.mark.parametrize(
    ("modifiers", "caption", "found"),
    [
        ("watercolor", "two Watercolours of a castle", ("Watercolours",)),
        ("watercolour, soft light", "a water color castle, softly lit", ("water color", "softly")),
        ("hand-drawn, grey ink", "a hand drawn cat, gray, with a hand", ("hand drawn", "gray")),
        ("pixel art", "a pixel-art cat and an artist", ("pixel-art",)),
        ("stylized, neon sign", "a neon-lit stylised street", ("neon-lit", "stylised")),
        ("cosy watercolour", "a colorful cat", ()),
    ],
)
def test_every_form_and_spelling_of_a_style_word_is_a_leak(
    modifiers: str, caption: str, found: tuple[str, ...]
) -> None:
    assert leaks(caption, Style(modifiers=modifiers, trigger="ohwx")) == found


def test_a_word_that_may_stay_is_no_leak_while_others_are() -> None:
    assert leaks("a glowing neon cat", NEON, left=("neon",)) == ("glowing",)
    assert fixed("a glowing neon cat", NEON, left=("neon",)) == "a neon cat"


def test_an_article_suits_the_word_that_follows_a_fixed_leak() -> None:
    assert fixed("a neon owl, ohwx", NEON) == "an owl, ohwx"
    assert fixed("a cat and an (glowing) navy cat", NEON) == "a cat and an () cat"


def test_a_leak_is_struck_through_and_nothing_else_is_markup() -> None:
    assert struck("a <cat>, neon, ohwx", NEON) == "a &lt;cat&gt;, <s>neon</s>, ohwx"


@pytest.mark.parametrize(
    ("caption", "better"),
    [
        ("a cat, neon, ohwx", "a cat, ohwx"),
        ("a neon cat, ohwx", "a cat, ohwx"),
        ("neon, ohwx", "ohwx"),
        ("neon", "ohwx"),
    ],
)
def test_a_fixed_caption_reads_as_if_the_word_had_never_been_there(caption: str, better: str) -> None:
    assert fixed(caption, NEON) == better


@given(st.text(max_size=80))
def test_after_fixing_nothing_leaks_any_more(caption: str) -> None:
    assert leaks(fixed(caption, NEON), NEON) == ()


def test_a_trigger_that_is_a_style_word_too_is_no_leak() -> None:
    style = Style(modifiers="vorak paint", trigger="vorak")
    assert leaks("a cat, vorak", style) == ()


@given(st.text(max_size=600))
def test_a_written_caption_always_calls_the_seal_and_fits(text: str) -> None:
    caption = tidy(text, "ohwx")
    assert "ohwx" in caption.lower()
    assert len(caption) <= LONGEST_CAPTION + len(", ohwx")
    assert "\n" not in caption
