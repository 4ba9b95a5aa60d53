"""Triggers: rare, meaningless, and readable by every tokenizer."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer, models, pre_tokenizers

from bot.library import library
from bot.rules.trigger import Reading, read_trigger, tokens_of
from bot.taps import Stamp, Tap, Verb


def tokenizer() -> Tokenizer:
    """A real BPE that knows `cat` and `ks` as one piece and everything else letter by letter."""
    letters = [f"{letter}{end}" for letter in "abcdefghijklmnopqrstuvwxyz0123456789" for end in ("", "</w>")]
    merged = ["ca", "cat</w>", "ks</w>"]
    vocabulary = {piece: index for index, piece in enumerate([*letters, *merged])}
    model = models.BPE(
        vocab=vocabulary, merges=[("c", "a"), ("ca", "t</w>"), ("k", "s</w>")], end_of_word_suffix="</w>"
    )
    found = Tokenizer(model)
    found.pre_tokenizer = pre_tokenizers.Whitespace()
    return found


def reading(word: str, *, known: bool = True) -> Reading:
    shelf = library()
    return read_trigger(word, tokenizer() if known else None, shelf.meanings, shelf.english).reading


@pytest.mark.parametrize("word", library().suggestions)
def test_every_suggestion_is_good_by_its_own_check(word: str) -> None:
    assert reading(word) is Reading.GOOD


def test_sks_is_a_rifle_and_is_refused() -> None:
    trigger = read_trigger("sks", tokenizer(), library().meanings, library().english)
    assert trigger.is_refused
    assert (trigger.meaning, trigger.tokens) == ("rifle", ("s", "ks"))


@pytest.mark.parametrize("word", ["", "ab", "1abc", "two words", "ohwx!", "a" * 17, "охв", "a:b"])
def test_what_a_tokenizer_would_tear_is_refused(word: str) -> None:
    assert reading(word) is Reading.SHAPE


def test_an_english_word_is_warned_about() -> None:
    assert reading("dragon") is Reading.ENGLISH


def test_a_word_the_model_knows_whole_is_warned_about() -> None:
    assert read_trigger("cat", tokenizer(), {}, frozenset()).reading is Reading.COMMON


def test_without_a_tokenizer_the_lists_still_count() -> None:
    assert reading("sks", known=False) is Reading.MEANS
    assert reading("ohwx", known=False) is Reading.GOOD


def test_capital_letters_are_only_a_way_of_writing() -> None:
    assert read_trigger(" OHWX ", None, {}, frozenset()).word == "ohwx"


def test_tokens_are_shown_without_the_tokenizers_own_marks() -> None:
    assert tokens_of("ohwx", tokenizer()) == ("o", "h", "w", "x")


@given(st.text(max_size=40))
def test_whatever_is_written_a_good_trigger_fits_a_button(text: str) -> None:
    trigger = read_trigger(text, None, {}, frozenset())
    if not trigger.is_refused:
        assert Tap(Verb.TRIGGER_USE, (trigger.word,), Stamp(quest=10**8)).data()
