"""The tree drawn on top of the error file is the tree of the classes, and every error says something."""

from __future__ import annotations

import inspect
import re

from storage import errors
from storage.errors import StylesealError


def drawn() -> dict[str, str]:
    """Each error of the drawing with its parent."""
    parents: dict[str, str] = {}
    above: list[str] = []
    for line in (errors.__doc__ or "").splitlines():
        found = re.fullmatch(r"([│├└─ ]*)([A-Z]\w+)", line)
        if found is None:
            continue
        depth = len(found[1]) // 4
        above[depth:] = [found[2]]
        if depth:
            parents[found[2]] = above[depth - 1]
    return parents


def test_the_drawing_is_the_tree() -> None:
    classes = [kind for _, kind in inspect.getmembers(errors, inspect.isclass) if issubclass(kind, StylesealError)]
    assert drawn() == {kind.__name__: kind.__bases__[0].__name__ for kind in classes if kind is not StylesealError}


def test_every_error_says_what_happened_and_keeps_its_facts() -> None:
    for name in drawn():
        error = getattr(errors, name)(needs="9 GiB")
        assert re.fullmatch(r"[A-Z].*\.", str(error)), name
        assert error.facts == {"needs": "9 GiB"}
