"""Reads our own sources as syntax trees: files, functions, classes, names."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
HOUSES = ("storage", "bot", "engine", "rehearsal", "emoji_sd", "launch", "bench")
Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class Source:
    """One file: where it lies, how long it is, what it says."""

    path: str
    lines: int
    tree: ast.Module

    def functions(self) -> Iterator[Function]:
        """Every function and method."""
        return (node for node in ast.walk(self.tree) if isinstance(node, Function))

    def classes(self) -> Iterator[ast.ClassDef]:
        """Every class."""
        return (node for node in ast.walk(self.tree) if isinstance(node, ast.ClassDef))

    def names(self) -> set[str]:
        """What the file itself names: modules, classes, functions, arguments, variables, attributes that it sets."""
        found = set(Path(self.path).with_suffix("").parts)
        for node in ast.walk(self.tree):
            if isinstance(node, Function | ast.ClassDef):
                found.add(node.name)
            elif isinstance(node, ast.arg):
                found.add(node.arg)
            elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                found.add(node.id)
            elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
                found.add(node.attr)
        return found


@cache
def sources(*folders: str) -> tuple[Source, ...]:
    """All sources of these folders."""
    paths = sorted(path for folder in folders for path in (ROOT / folder).rglob("*.py"))
    return tuple(_read(path) for path in paths)


def _read(path: Path) -> Source:
    text = path.read_text()
    return Source(str(path.relative_to(ROOT)), len(text.splitlines()), ast.parse(text))


def words_of(name: str) -> list[str]:
    """The words of a name: `on_done`, `OnDone` and `ON_DONE` are on, done."""
    return [word.lower() for word in re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+", name)]
