"""CONTRIBUTING's lists of files are whole: what one follows stands in these files and in no others."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
HOUSES = ("storage", "bot", "engine", "rehearsal")
READ = {".py", ".po", ".toml", ".sql", ".html", ".json"}
ROW = re.compile(r"^\| (an? [^|]+) \| (`[^|]+`) \| ([^|]+) \|$", re.MULTILINE)


def quoted(cell: str) -> list[str]:
    """What stands between backticks."""
    return re.findall(r"`([^`]+)`", cell)


def lists() -> dict[str, tuple[list[str], list[str]]]:
    """By what is added: the names to follow, and the files."""
    page = (ROOT / "CONTRIBUTING.md").read_text()
    return {what: (quoted(follow), quoted(files)) for what, follow, files in ROW.findall(page)}


def places(follow: list[str]) -> set[str]:
    """The source files in which one of the names stands, as a whole word."""
    whole = "|".join(rf"(?<!\w){re.escape(name)}(?!\w)" if name[0] not in '."' else re.escape(name) for name in follow)
    paths = [path for house in HOUSES for path in (ROOT / house).rglob("*") if path.suffix in READ]
    return {str(path.relative_to(ROOT)) for path in paths if re.search(whole, path.read_text())}


def named(files: list[str]) -> set[str]:
    """The files of a list; `*` stands for many."""
    exist = {str(path.relative_to(ROOT)) for name in files if "/" in name for path in ROOT.glob(name)}
    return {name for name in exist if (ROOT / name).suffix in READ}


ITSELF = {  # where the thing itself lies: named in the list, but not by what one follows
    "a step": {"bot/steps/captions.py", "bot/steps/step.py"},
    "a button": {"bot/steps/moves.py"},
}


@pytest.mark.parametrize("what", sorted(lists()))
def test_a_list_of_files_is_whole(what: str) -> None:
    follow, files = lists()[what]
    assert places(follow) == named(files) - ITSELF.get(what, set())


def test_the_ten_lists_are_there() -> None:
    wanted = {"sampler", "look", "number on the expert screen", "slash command", "step", "job kind", "language"}
    wanted |= {"model family", "export format", "quota"}
    assert {f"{'an' if name[0] in 'aeio' else 'a'} {name}" for name in wanted} <= set(lists())
