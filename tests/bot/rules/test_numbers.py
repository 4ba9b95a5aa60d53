"""Bars, clock times, counts against the target, names of files, words of curves."""

from __future__ import annotations

import pytest

from bot.rules.curve import advised, begins_to_copy, labels
from bot.rules.naming import file_stem
from bot.rules.palette import Count, judge
from bot.rules.progress import bar, clock_time, dots
from storage.records import Checkpoint, ContentHash
from storage.states import PaletteKind


@pytest.mark.parametrize(
    ("done", "total", "shown"),
    [
        (0, 48, "░░░░░░░░░░"),
        (28, 48, "▓▓▓▓▓░░░░░"),
        (47, 48, "▓▓▓▓▓▓▓▓▓░"),
        (48, 48, "▓▓▓▓▓▓▓▓▓▓"),
        (0, 0, "░░░░░░░░░░"),
    ],
)
def test_a_bar_is_full_only_when_all_is_done(done: int, total: int, shown: str) -> None:
    assert bar(done, total) == shown


@pytest.mark.parametrize(("seconds", "shown"), [(-3, "0:00"), (27, "0:27"), (725.4, "12:05"), (3723, "1:02:03")])
def test_times_read_as_on_a_clock(seconds: float, shown: str) -> None:
    assert clock_time(seconds) == shown


def test_dots_show_a_share() -> None:
    assert (dots(0), dots(0.8), dots(2)) == ("○○○○○", "●●●●○", "●●●●●")


@pytest.mark.parametrize(
    ("kind", "kept", "count"),
    [
        (PaletteKind.STYLE, 0, Count.NONE),
        (PaletteKind.STYLE, 9, Count.FEW),
        (PaletteKind.STYLE, 14, Count.BELOW),
        (PaletteKind.STYLE, 15, Count.RIGHT),
        (PaletteKind.STYLE, 20, Count.RIGHT),
        (PaletteKind.STYLE, 21, Count.ABOVE),
        (PaletteKind.STYLE, 51, Count.MANY),
        (PaletteKind.CHARACTER, 19, Count.BELOW),
        (PaletteKind.CHARACTER, 40, Count.RIGHT),
        (PaletteKind.CONCEPT, 31, Count.ABOVE),
    ],
)
def test_a_kept_count_is_judged_by_the_kind_of_palette(kind: PaletteKind, kept: int, count: Count) -> None:
    assert judge(kind, kept) is count


@pytest.mark.parametrize(
    ("name", "stem"), [("Neon sign", "neon-sign"), ("../../etc", "etc"), ("Акварель", "style"), ("a" * 99, "a" * 40)]
)
def test_a_file_name_holds_plain_letters_and_no_path(name: str, stem: str) -> None:
    assert file_stem(name) == stem


def checkpoint(step: int, epoch: int, copying: float = 0.1) -> Checkpoint:
    return Checkpoint(job=1, step=step, epoch=epoch, adapter=ContentHash("0" * 64), copying=copying)


def test_the_advised_checkpoint_is_taken_and_the_last_where_the_advice_is_gone() -> None:
    found = [checkpoint(10, 1), checkpoint(20, 2)]
    assert advised(found, 10) == found[0]
    assert advised(found, 99) == found[1]
    assert advised([], 10) is None


def test_checkpoints_are_named_by_epoch_unless_two_share_one() -> None:
    assert labels([checkpoint(10, 1), checkpoint(20, 2)]) == ("1", "2")
    assert labels([checkpoint(10, 1), checkpoint(15, 1)]) == ("10", "15")


def test_copying_counts_only_after_the_advised_one() -> None:
    best = checkpoint(10, 1, copying=0.95)
    assert not begins_to_copy([best, checkpoint(20, 2)], best)
    assert begins_to_copy([best, checkpoint(20, 2, copying=0.95)], best)
