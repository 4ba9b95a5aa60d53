"""The page of faults names only tests that exist, and all thirty faults."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "reliability.md").read_text()


def test_every_test_that_the_page_names_exists() -> None:
    code = "\n".join(path.read_text() for path in (ROOT / "tests").rglob("test_*.py"))
    there = set(re.findall(r"def (test_\w+)", code))
    named = set(re.findall(r"`(test_\w+)`", PAGE))
    assert named
    assert named - there == set()


def test_every_fault_has_its_line() -> None:
    assert re.findall(r"^\| (F\d\d) ", PAGE, re.MULTILINE) == [f"F{number:02}" for number in range(1, 31)]


def test_the_first_paragraph_says_what_the_table_says() -> None:
    results = re.findall(r"^\| F\d\d \|.*\| ([^|]*) \|$", PAGE, re.MULTILINE)
    counts = [sum(result.startswith(start) for result in results) for start in ("held", "in part", "not here")]
    assert "Thirty faults: {} held, {} in part, {} not here.".format(*counts) in PAGE
    assert sum(counts) == len(results) == 30
