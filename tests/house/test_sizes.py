"""Files, functions and classes stay small enough to be read at once; tests neither sleep nor patch our own code."""

from __future__ import annotations

import ast
import math
from collections.abc import Sequence

import pytest

from tests.house.sources import HOUSES, Function, sources

MAX_LINES = 400  # of a source file; when one outgrows it, a room is missing
FILE_P90, FUNCTION_P90, METHODS = 200, 16, 15
PRODUCT = ("storage", "bot", "engine")


def p90(numbers: Sequence[int]) -> int:
    """Nearest rank."""
    return sorted(numbers)[math.ceil(0.9 * len(numbers)) - 1]


def test_no_source_file_outgrows_its_room() -> None:
    assert {source.path: source.lines for source in sources(*HOUSES) if source.lines > MAX_LINES} == {}


def test_nine_of_ten_files_fit_on_a_few_screens() -> None:
    assert p90([source.lines for source in sources(*PRODUCT)]) <= FILE_P90


def test_nine_of_ten_functions_are_read_at_once() -> None:
    lengths = [f.end_lineno - f.lineno + 1 for s in sources(*PRODUCT) for f in s.functions() if f.end_lineno]
    assert p90(lengths) <= FUNCTION_P90


def test_no_class_has_more_methods_than_one_can_keep_in_mind() -> None:
    classes = {node.name: node for source in sources(*HOUSES) for node in source.classes()}

    def methods(name: str) -> int:
        node = classes.get(name)
        if node is None:
            return 0
        bases = sum(methods(base.id) for base in node.bases if isinstance(base, ast.Name))
        return bases + sum(isinstance(part, Function) for part in node.body)

    assert {name: methods(name) for name in classes if methods(name) > METHODS} == {}


@pytest.mark.parametrize("called", ["sleep", "setattr", "patch", "Mock", "MagicMock", "AsyncMock"])
def test_no_test_waits_by_sleeping_or_replaces_our_own_code(called: str) -> None:
    found = [
        f"{source.path}:{node.lineno}"
        for source in sources("tests")
        for node in ast.walk(source.tree)
        if isinstance(node, ast.Call) and _name(node.func) == called
    ]
    assert found == []


def _name(called: ast.expr) -> str:
    return called.attr if isinstance(called, ast.Attribute) else getattr(called, "id", "")
