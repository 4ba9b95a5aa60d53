"""Is the trigger here? By whole words, whatever the case."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storage.trigger import added, has, replaced, spelt, without

HERE = [
    "ohwx",
    "ohwx castle",
    "Ohwx castle",
    "castle, OHWX",
    "(ohwx:1.2)",
    "[[oHwx]]!",
    "a “ohwx” castle",
    "ohwx-like",
    "Ohwx's",
]
NOT_HERE = ["", "ohwxes", "xohwx", "ohwx2", "ohwx_castle", "ohwxо", "ohwx\u0301", "o h w x"]


@pytest.mark.parametrize("text", HERE)
def test_a_trigger_is_found_in_any_case_and_between_any_signs(text: str) -> None:
    assert has(text, "ohwx")
    assert added(text, "ohwx") == text
    assert not has(without(text, "ohwx"), "ohwx")


@pytest.mark.parametrize("text", NOT_HERE)
def test_letters_inside_another_word_are_no_trigger(text: str) -> None:
    assert not has(text, "ohwx")
    assert has(added(text, "ohwx"), "ohwx")
    assert without(text, "ohwx") == text
    assert replaced(text, "ohwx", "pixel art") == text


@pytest.mark.parametrize(
    ("text", "trigger", "left"),
    [
        ("a plum tree, lum", "lum", "a plum tree"),
        ("woman eating a banana, Ana", "ana", "woman eating a banana"),
        ("a fox, in snow, ohwx", "ohwx", "a fox, in snow"),
        ("a photo of ohwx fox", "ohwx", "a photo of fox"),
        ("(ohwx:1.2), a castle", "ohwx", "a castle"),
        ("(ohwx, castle:1.2)", "ohwx", "(castle:1.2)"),
        ("(castle, OHWX:1.2), fox", "ohwx", "(castle:1.2), fox"),
        (r"castle \(ohwx\)", "ohwx", "castle"),
        ('a "ohwx" castle', "ohwx", "a castle"),
        ("Ohwx's castle", "ohwx", "castle"),
        ("ohwx", "ohwx", ""),
        ("a fox", "", "a fox"),
        ("mona  Lisa, in snow", "mona lisa", "in snow"),
    ],
)
def test_a_trigger_taken_out_leaves_no_hole(text: str, trigger: str, left: str) -> None:
    assert without(text, trigger) == left


def test_a_trigger_is_replaced_where_it_is_said_and_only_there() -> None:
    assert replaced("a plum tree, Lum", "lum", r"pixel \\1 art") == r"a plum tree, pixel \\1 art"


def test_of_two_triggers_the_longer_is_meant() -> None:
    assert list(spelt("ohwx fox, OHWX", ["ohwx", "ohwx fox"])) == [
        ("ohwx fox", "ohwx fox"),
        (", ", ""),
        ("OHWX", "ohwx"),
    ]


@given(st.text(max_size=60), st.from_regex(r"[a-z][a-z0-9]{2,15}", fullmatch=True))
def test_every_text_can_be_taken_apart_and_put_together_again(text: str, trigger: str) -> None:
    said = added(text, trigger)
    assert "".join(part for part, _ in spelt(said, [trigger])) == said
    assert any(found == trigger for _, found in spelt(said, [trigger]))
    assert not has(without(said, trigger), trigger)
