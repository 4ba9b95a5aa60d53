"""Records go to JSON and come back the same; anything else is refused."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some
from pydantic import ValidationError

from storage.documents import dump, load
from storage.recipe import Recipe
from storage.records import Drawing, LossPoint, MachineFacts, NewPicture, Progress, Style

some.register_type_strategy(float, some.floats(allow_nan=False, allow_infinity=False))


@settings(deadline=None)  # the first of a kind compiles its reader
@given(some.data(), some.sampled_from([Drawing, LossPoint, MachineFacts, NewPicture, Progress, Recipe, Style]))
def test_a_record_comes_back_the_same(data: some.DataObject, kind: type) -> None:
    record = data.draw(some.from_type(kind))
    assert load(kind, dump(record)) == record


def test_another_shape_is_refused() -> None:
    with pytest.raises(ValidationError):
        load(Drawing, '{"sampler": "PLMS"}')
    with pytest.raises(ValidationError):
        load(Progress, "[]")
