"""Prompts: the style the same to the comma, weights as A1111 writes them."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.rules.prompt import (
    bare,
    compose,
    emphasis_of,
    negative_of,
    one_line,
    phrase,
    weighted,
    with_trigger,
)
from storage.attention_syntax import plain, read_weights
from storage.families import Family
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


@pytest.mark.parametrize(("emphasis", "said"), [(0, "ink"), (1, "(ink:1.15)"), (-2, "(ink:0.70)")])
def test_emphasis_is_said_as_a_weight(emphasis: int, said: str) -> None:
    assert weighted("ink", emphasis) == said


@given(emphasis=st.integers(-3, 3))
def test_the_emphasis_of_a_picture_is_read_back_from_its_prompt(emphasis: int) -> None:
    made = Style(modifiers="ink, wash", boosters="paper", emphasis=emphasis)
    assert emphasis_of(compose("fox", made), "fox", Style(modifiers="ink, wash", boosters="paper")) == emphasis


def test_negatives_follow_the_style_on_top_of_the_universal_ones() -> None:
    said = negative_of("3d, photorealistic, shading", Family.SD1, is_own=False)
    assert said == "3d, photorealistic, shading, low quality, blurry, deformed, bad anatomy"


def test_the_embedded_model_gets_only_what_the_person_wrote() -> None:
    assert negative_of("3d, shadow", Family.EMOJI, is_own=False) == ""
    assert negative_of("purple", Family.EMOJI, is_own=True) == "purple"


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


@pytest.mark.parametrize("weight", ["1,3", "1.3", " 1,3 "])
@pytest.mark.parametrize("colon", [":", "："])
def test_a_weight_typed_with_a_comma_or_a_wide_colon_stays_one(weight: str, colon: str) -> None:
    typed = one_line(f"(ink{colon}{weight}),wash")
    assert [(p.text, round(p.weight, 3)) for p in read_weights(typed)] == [("ink", 1.3), (", wash", 1.0)]


@pytest.mark.parametrize("words", ["smile :), watercolor", "ink (medium", "a), b, (c", ":(", "ink \\"])
@pytest.mark.parametrize("emphasis", [-3, 2])
def test_a_stronger_style_is_stronger_from_its_first_word_to_its_last_and_alone(words: str, emphasis: int) -> None:
    style = Style(modifiers=words, boosters="paper", emphasis=emphasis)
    first, stressed, last = read_weights(compose("castle", style))
    assert (first.text, first.weight) == ("a castle, ", 1.0)
    assert stressed.weight == 1 + 0.15 * emphasis
    assert (last.text, last.weight) == (", paper", 1.0)


@given(words=st.text(alphabet="ab ,()[]:\\.12", max_size=30), changes=st.lists(st.sampled_from([1, -1]), max_size=3))
def test_stronger_and_weaker_as_often_lead_back_to_where_it_was(words: str, changes: list[int]) -> None:
    style = Style(modifiers=words)
    there = replace(style, emphasis=sum(changes))
    assert compose("fox", replace(there, emphasis=there.emphasis - sum(changes))) == compose("fox", style)
    assert emphasis_of(compose("fox", there), "fox", style) == there.emphasis or not plain(words).strip()


def test_a_bracket_in_a_subject_weighs_nothing_of_the_style_and_no_trigger() -> None:
    assert [p.weight for p in read_weights(compose("castle (old", NEON))] == [1.0]
    assert [p.weight for p in read_weights(with_trigger("castle (old", "ohwx"))] == [1.0]
