"""What ships as data: looks, subject lists, triggers, English words. Read once; knows no step and no store."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from storage.states import PaletteKind

FOLDER = Path(__file__).parent
EXAMPLE = "example.png"  # a palette, and what its seal drew afterwards


@dataclass(frozen=True, kw_only=True)
class Look:
    """A ready-made style. Its title is in the catalogues under `look.<name>`."""

    name: str
    modifiers: str
    boosters: str
    negative: str

    @property
    def picture(self) -> str:
        """Four subjects in this look, as a path below bot/library."""
        return f"looks/{self.name}.png"


@dataclass(frozen=True, kw_only=True)
class Library:
    """All of it."""

    looks: tuple[Look, ...]
    subjects: dict[PaletteKind, tuple[str, ...]]
    tests: dict[PaletteKind, tuple[str, ...]]  # offered as the hunt's subject, the first is the default
    suggestions: tuple[str, ...]  # triggers that are rare and mean nothing
    meanings: dict[str, str]  # triggers that mean something, and what
    english: frozenset[str]

    def look(self, name: str) -> Look | None:
        """The look of this name."""
        return next((look for look in self.looks if look.name == name), None)

    @property
    def has_example(self) -> bool:
        """Whether the picture of a finished quest is there."""
        return (FOLDER / EXAMPLE).exists()


@cache
def library() -> Library:
    """The library that ships."""
    subjects, triggers = _read("subjects"), _read("triggers")
    return Library(
        looks=tuple(Look(name=name, **look) for name, look in _read("looks").items()),
        subjects={kind: tuple(subjects[kind.value]["payload"]) for kind in PaletteKind},
        tests={kind: tuple(subjects[kind.value]["hunt"]) for kind in PaletteKind},
        suggestions=tuple(triggers["suggestions"]),
        meanings=dict(triggers["meanings"]),
        english=frozenset((FOLDER / "english.txt").read_text().split()),
    )


def _read(name: str) -> dict[str, Any]:
    return tomllib.loads((FOLDER / f"{name}.toml").read_text())
