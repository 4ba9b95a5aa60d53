"""The weights in a prompt mean what they mean in AUTOMATIC1111, and a person's text can be wrapped in them whole."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from storage.attention_syntax import MOST_WEIGHT, plain, read_weights, weighted, whole

ODD = st.text(alphabet="ab ,()[]:\\\\.12B", max_size=40)

# the examples in AUTOMATIC1111's own docstring (modules/prompt_parser.py, parse_prompt_attention)
PUBLISHED = {
    "normal text": [("normal text", 1.0)],
    "an (important) word": [("an ", 1.0), ("important", 1.1), (" word", 1.0)],
    "(unbalanced": [("unbalanced", 1.1)],
    r"\(literal\]": [("(literal]", 1.0)],
    "(unnecessary)(parens)": [("unnecessaryparens", 1.1)],
    "a (((house:1.3)) [on] a (hill:0.5), sun, (((sky))).": [
        ("a ", 1.0),
        ("house", 1.573),
        (" ", 1.1),
        ("on", 1.0),
        (" a ", 1.1),
        ("hill", 0.55),
        (", sun, ", 1.1),
        ("sky", 1.4641),
        (".", 1.1),
    ],
}


@pytest.mark.parametrize("prompt", PUBLISHED)
def test_the_published_examples_read_as_published(prompt: str) -> None:
    pieces = read_weights(prompt)
    assert [piece.text for piece in pieces] == [text for text, _ in PUBLISHED[prompt]]
    assert [piece.weight for piece in pieces] == pytest.approx([weight for _, weight in PUBLISHED[prompt]])


@pytest.mark.parametrize("prompt", ["", "   ", ")", "]", ":", "a:b", "(a:b)", "(a:1.2.3)", "\\", "((", "[[)", "(:1.5)"])
def test_odd_prompts_are_read_without_a_word(prompt: str) -> None:
    assert all(piece.weight > 0 for piece in read_weights(prompt))


@given(ODD)
@settings(max_examples=200, deadline=None)
def test_no_text_is_ever_refused(prompt: str) -> None:
    assert read_weights(prompt)


def said(prompt: str) -> list[tuple[str, float]]:
    return [(piece.text, round(piece.weight, 9)) for piece in read_weights(prompt)]


@pytest.mark.parametrize(
    "words",
    [
        "smile :), watercolor, soft light",
        "ink (medium",
        "a), b, (c",
        ":(, ink",
        "watercolor], [ink",
        r"artist \(medium\), ink",
        "8:5 ratio, ink",
        "watercolor:1.3",
        "ink :1.3)",
        "ink \\",
    ],
)
def test_a_text_without_weights_weighs_the_same_everywhere_once_it_is_wrapped(words: str) -> None:
    (piece,) = read_weights(weighted(words, 1.3))
    assert piece.weight == 1.3
    assert piece.text == plain(words)


@given(ODD)
@settings(max_examples=500, deadline=None)
def test_wrapping_any_text_multiplies_each_of_its_pieces_and_says_nothing_new(text: str) -> None:
    alone, wrapped = read_weights(whole(text)), read_weights(weighted(text, 1.5))
    assert [piece.text for piece in wrapped] == [piece.text for piece in alone]
    for before, after in zip(alone, wrapped, strict=True):
        assert after.is_break == before.is_break
        heavier = before.weight if before.is_break or not before.text else 1.5 * before.weight
        assert after.weight == pytest.approx(min(heavier, MOST_WEIGHT))


@given(ODD, ODD)
@settings(max_examples=300, deadline=None)
def test_what_stands_between_two_whole_texts_is_weighed_by_neither(one: str, other: str) -> None:
    between = [piece for piece in read_weights(f"{whole(one)};{whole(other)}") if ";" in piece.text]
    assert [piece.weight for piece in between] == [1.0]


PAIRED = st.recursive(
    st.text(alphabet="ab ,:12", max_size=6),
    lambda inner: st.tuples(st.sampled_from(["()", "[]"]), inner, inner).map(
        lambda t: f"{t[1]}{t[0][0]}{t[2]}{t[0][1]}"
    ),
)


@given(PAIRED.filter(lambda text: ":" not in text))
def test_a_text_with_its_brackets_in_pairs_stays_to_the_letter(text: str) -> None:
    assert whole(text) == text


@given(ODD)
def test_what_is_whole_stays_as_it_is(text: str) -> None:
    assert whole(whole(text)) == whole(text)


def test_brackets_in_pairs_keep_their_weights_under_another() -> None:
    assert said(weighted("((watercolor)), (ink:1.2)", 1.3)) == [
        ("watercolor", round(1.3 * 1.21, 9)),
        (", ", 1.3),
        ("ink", round(1.3 * 1.2, 9)),
    ]


def test_a_weight_with_a_decimal_comma_is_a_weight() -> None:
    assert said(whole("(watercolor:1,3), ink")) == [("watercolor", 1.3), (", ink", 1.0)]
    assert said(whole("(watercolor：1.3), ink")) == [("watercolor", 1.3), (", ink", 1.0)]


@pytest.mark.parametrize("prompt", ["(" * 5000 + "a" + ")" * 5000, "(a:" + "9" * 400 + ")"])
def test_no_weight_grows_beyond_what_a_picture_can_bear(prompt: str) -> None:
    (piece,) = read_weights(prompt)
    assert math.isfinite(piece.weight)
    assert piece.weight <= MOST_WEIGHT


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
