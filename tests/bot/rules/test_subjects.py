"""Subject lists: what people write, templates, and how a payload is filled."""

from __future__ import annotations

import pytest

from bot.library import library
from bot.rules.palette import TARGETS
from bot.rules.subjects import chosen_subjects, left_out, outside, read_subjects, spread, unfold
from storage.records import Seed
from storage.states import PaletteKind, SubjectsFrom, Way


def test_alternatives_give_every_combination() -> None:
    assert unfold("{red|blue} {cat|dog}") == ("red cat", "red dog", "blue cat", "blue dog")


def test_an_alternative_may_be_empty_and_unclosed_braces_are_text() -> None:
    assert unfold("{|small }cat") == ("cat", "small cat")
    assert unfold("{cat") == ("{cat",)


@pytest.mark.parametrize("text", ["a cat\nan owl\n\na cat", "cat, owl", "cat; owl;cat"])
def test_lines_commas_articles_and_doubles_are_understood(text: str) -> None:
    assert read_subjects(text) == ("cat", "owl")


def test_a_list_without_end_is_cut_at_a_hundred() -> None:
    assert len(read_subjects("{a|b|c|d|e|f}{a|b|c|d|e|f}{a|b|c|d|e|f}")) == 100


def test_what_is_too_long_for_a_subject_is_left_out_whole_and_counted() -> None:
    text = "cat\n" + "x" * 500 + "\nowl"
    assert read_subjects(text) == ("cat", "owl")
    assert left_out(text) == (1, False)


def test_ten_thousand_lines_and_a_template_of_a_thousand_choices_are_read_at_once_and_said() -> None:
    many = "\n".join(f"cat {number}" for number in range(10_000))
    explosion = "{a|b}" * 1000
    for text in (many, explosion + ",dog"):
        assert len(read_subjects(text)) <= 100
        assert left_out(text)[1]


def test_way_a_counts_seeds_up_and_way_b_holds_one() -> None:
    assert spread(("cat", "owl"), 3, seed=Seed(7), way=Way.OWN_SEEDS) == [("cat", 7), ("owl", 8), ("cat", 9)]
    assert spread(("cat", "owl"), 2, seed=Seed(7), way=Way.ONE_SEED) == [("cat", 7), ("owl", 7)]


def test_way_b_never_draws_the_same_picture_twice() -> None:
    pairs = spread(("cat", "owl"), 6, seed=Seed(7), way=Way.ONE_SEED)
    assert len(set(pairs)) == 6


def test_seeds_stay_within_32_bits() -> None:
    assert spread(("cat",), 2, seed=Seed(2**32 - 1), way=Way.OWN_SEEDS) == [("cat", 2**32 - 1), ("cat", 0)]


def test_more_candidates_go_on_in_list_and_seeds() -> None:
    whole = spread(("a", "b", "c"), 5, seed=Seed(1), way=Way.OWN_SEEDS)
    assert spread(("a", "b", "c"), 2, seed=Seed(1), way=Way.OWN_SEEDS, start=3) == whole[3:]


def test_own_subjects_come_before_the_list_and_only_where_there_are_any() -> None:
    assert chosen_subjects(("a", "b"), ("x", "a"), SubjectsFrom.BOTH) == ("x", "a", "b")
    assert chosen_subjects(("a", "b"), ("x",), SubjectsFrom.OWN) == ("x",)
    assert chosen_subjects(("a", "b"), (), SubjectsFrom.OWN) == ("a", "b")


def test_samples_are_taken_from_outside_the_palette_while_there_are_enough() -> None:
    assert outside(("a", "b", "c"), ("B",), 2) == ("a", "c")
    assert outside(("a", "b"), ("a", "b"), 2) == ("a", "b")


@pytest.mark.parametrize("kind", PaletteKind)
def test_the_library_fills_a_payload_without_repeating(kind: PaletteKind) -> None:
    subjects = library().subjects[kind]
    assert len(set(subjects)) == len(subjects) >= TARGETS[kind].candidates
    assert 40 <= TARGETS[kind].candidates <= 50
