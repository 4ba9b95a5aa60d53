"""What is measured on a checkpoint, and what follows from it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from emoji_sd.recipe.judge import sheet
from engine.measures.copying import copying
from engine.measures.style_features import style_features
from engine.measures.style_gained import style_gained
from engine.measures.subject import SubjectMeasure
from tests.engine.tiny_models import emoji_machine

ROWS = sheet.SUBJECTS


def on_sheet(row: int, look: str) -> Image.Image:
    """A picture from the sheet that ships with the model."""
    return sheet.cut(ROWS[row], look)


def looks(look: str, rows: range) -> list[tuple[float, ...]]:
    return [style_features(emoji_machine(), on_sheet(row, look)) for row in rows]


def test_pictures_of_the_palettes_look_gain_all_and_those_of_the_base_gain_nothing() -> None:
    base, palette = looks("glossy 3d render", range(4, 8)), looks("neon sign", range(4))
    assert style_gained(base, base, palette) == 0
    other_subjects, other_look = looks("neon sign", range(4, 8)), looks("flat vector", range(4, 8))
    assert style_gained(base, other_subjects, palette) > 0.7
    assert style_gained(base, other_look, palette) < style_gained(base, other_subjects, palette) - 0.3


points = st.lists(st.tuples(st.floats(-5, 5), st.floats(-5, 5)), min_size=2, max_size=5)


@given(points, points, points)
def test_style_gained_stays_in_its_range_and_asks_for_no_number_of_pictures(one: list, two: list, three: list) -> None:  # type: ignore[type-arg]
    gained = style_gained(one, two, three)
    assert -1 <= gained <= 1.2
    assert style_gained(one, two + two, three) == pytest.approx(gained)


def test_samples_that_resemble_each_other_gain_as_much_as_samples_that_do_not() -> None:
    palette = [(x, y) for x in (-1.0, 1.0) for y in (-1.0, 1.0)]
    base, alike, unlike = [(6.0, 0.0), (-6.0, 0.0)], [(1.0, 1.0), (1.0, 0.9)], [(1.0, 1.0), (-1.0, -0.9)]
    assert style_gained(base, alike, palette) == pytest.approx(style_gained(base, unlike, palette), abs=0.02)
    assert style_gained(base, alike, palette) > 1


def test_the_model_tells_its_own_subjects_from_each_other() -> None:
    measure = SubjectMeasure(emoji_machine(), ROWS)
    errors = [list(measure.errors(on_sheet(row, "cartoon"))) for row in range(8)]
    scores = [measure.rank_score(found, subject) for found, subject in zip(errors, ROWS, strict=True)]
    assert np.mean(scores) > 0.85  # chance is 0.5
    lost = [measure.rank_score(found, ROWS[row - 3]) for row, found in enumerate(errors)]
    assert np.mean(lost) < np.mean(scores) - 0.3


def test_a_copy_is_told_from_another_picture_and_named() -> None:
    palette = [on_sheet(row, "cartoon") for row in range(6)]
    likeness, position = copying([palette[4]], palette)
    assert (round(likeness, 3), position) == (1.0, 4)
    assert copying([on_sheet(7, "watercolor")], palette)[0] < 0.9
