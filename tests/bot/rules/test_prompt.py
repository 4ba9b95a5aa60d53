"""Prompts: the style the same to the comma, weights as A1111 writes them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.rules.prompt import (
    bare,
    compose,
    negative_of,
    one_line,
    phrase,
    plain,
    strength_of,
    weighted,
    with_trigger,
)
from storage.records import Style

NEON = Style(modifiers="neon sign", boosters="navy blue background")


def test_a_prompt_is_subject_then_modifiers_then_boosters() -> None:
    assert compose("fox", NEON) == "a fox, neon sign, navy blue background"


def test_a_style_without_boosters_leaves_no_dangling_comma() -> None:
    assert compose("fox", Style(modifiers="ink")) == "a fox, ink"


@pytest.mark.parametrize(
    ("subject", "said"),
    [
        ("fox", "a fox"),
        ("owl", "an owl"),
        ("an owl", "an owl"),
        ("the moon", "the moon"),
        ("3 cats", "3 cats"),
        ("лиса", "лиса"),
    ],
)
def test_a_subject_gets_an_article_unless_it_has_one(subject: str, said: str) -> None:
    assert phrase(subject) == said


def test_a_subject_is_kept_without_its_article_and_on_one_line() -> None:
    assert bare("  A red\n fox. ") == "red fox"


@pytest.mark.parametrize(("strength", "said"), [(0, "ink"), (1, "(ink:1.15)"), (-2, "(ink:0.70)")])
def test_strength_is_said_as_a_weight(strength: int, said: str) -> None:
    assert weighted("ink", strength) == said


@given(strength=st.integers(-3, 3))
def test_the_strength_of_a_picture_is_read_back_from_its_prompt(strength: int) -> None:
    made = Style(modifiers="ink, wash", boosters="paper", strength=strength)
    assert strength_of(compose("fox", made), "fox", Style(modifiers="ink, wash", boosters="paper")) == strength


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("(ink:1.3), ((wash))", "ink, wash"),
        ("[soft] light", "soft light"),
        (r"a \(b\)", "a (b)"),
        ("time 3:15", "time 3:15"),
    ],
)
def test_weights_and_brackets_can_be_taken_off(text: str, words: str) -> None:
    assert plain(text) == words


def test_negatives_follow_the_style_on_top_of_the_universal_ones() -> None:
    said = negative_of("3d, photorealistic, shading", "sd1", is_own=False)
    assert said == "3d, photorealistic, shading, low quality, blurry, deformed, bad anatomy"


def test_the_embedded_model_gets_only_what_the_person_wrote() -> None:
    assert negative_of("3d, shadow", "emoji", is_own=False) == ""
    assert negative_of("purple", "emoji", is_own=True) == "purple"


@pytest.mark.parametrize(
    ("text", "prompt"),
    [
        ("castle", "a castle, ohwx"),
        ("a castle, ohwx", "a castle, ohwx"),
        ("OHWX castle", "OHWX castle"),
        ("ohwxes", "an ohwxes, ohwx"),
    ],
)
def test_the_trigger_is_put_in_where_it_is_missing(text: str, prompt: str) -> None:
    assert with_trigger(text, "ohwx") == prompt


def test_what_was_written_on_many_lines_becomes_one_with_tidy_commas() -> None:
    assert one_line(" ink ,,\n wash,\n") == "ink, wash"
