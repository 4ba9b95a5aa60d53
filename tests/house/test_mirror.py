"""The tests mirror the sources: whoever knows a room knows where its tests are."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
HOUSES = ("storage", "bot", "engine", "rehearsal", "emoji_sd", "launch")


def rooms(top: Path) -> set[str]:
    """Folders below that hold Python files, by their path from there."""
    return {str(path.parent.relative_to(top)) for path in top.rglob("*.py")}


def test_every_folder_of_tests_of_a_house_is_a_folder_of_that_house() -> None:
    strange = {
        f"tests/{house}/{room}" for house in HOUSES for room in rooms(ROOT / "tests" / house) - rooms(ROOT / house)
    }
    assert strange == set()


def test_every_folder_of_bot_and_engine_has_tests() -> None:
    data = {"bot/library"}  # looks, subjects and triggers; the rules that read them test them
    untested = {f"{house}/{room}" for house in ("bot", "engine") for room in rooms(ROOT / house)} - data
    untested -= {f"{house}/{room}" for house in ("bot", "engine") for room in rooms(ROOT / "tests" / house)}
    assert untested == set()
