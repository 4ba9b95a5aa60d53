"""The faults that `make mutations` plants can still be planted, and their tests can still be found."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.mutations import FAULTS, Fault, file_with, node_of


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.what)
def test_each_fault_has_one_place_and_tests_that_exist(fault: Fault) -> None:
    assert fault.planted != fault.text
    assert file_with(fault.text)
    assert [node_of(test) for test in fault.tests]


def test_there_are_twenty() -> None:
    assert len({fault.text for fault in FAULTS}) == len(FAULTS) == 20


@pytest.mark.parametrize(("text", "times"), [("x = 3", 0), ("x = 1", 2)])
def test_a_text_that_stands_never_or_twice_ends_the_run(text: str, times: int, tmp_path: Path) -> None:
    (tmp_path / "house").mkdir()
    (tmp_path / "house" / "__init__.py").write_text("x = 1\n")
    (tmp_path / "house" / "room.py").write_text("x = 1\nx = 2\n")
    with pytest.raises(LookupError, match=f"{times} times"):
        file_with(text, tmp_path)
    assert file_with("x = 2", tmp_path).name == "room.py"
