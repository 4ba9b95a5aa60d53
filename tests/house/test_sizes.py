"""Files, functions and classes stay small enough to be read at once; tests neither sleep nor patch our own code."""

from __future__ import annotations

import ast
import math
from collections.abc import Sequence

import pytest

from tests.house.sources import HOUSES, Function, Source, sources

MAX_LINES = 400  # of a source file; when one outgrows it, a room is missing
FILE_P90, FUNCTION_P90, METHODS = 200, 16, 15
PRODUCT = ("storage", "bot", "engine")
TO_SPLIT = {"Crowd": 24, "Walk": 23, "Worker": 23, "Loop": 18, "World": 18}  # known, and to become fewer


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

    assert {name: methods(name) for name in classes if methods(name) > METHODS} == TO_SPLIT


@pytest.mark.parametrize("called", ["sleep", "patch", "Mock", "MagicMock", "AsyncMock"])
def test_no_test_waits_by_sleeping_or_mocks(called: str) -> None:
    assert [where for where, node in calls() if _name(node.func) == called] == []


def test_no_test_replaces_our_own_code() -> None:
    """Other people's libraries at the edge of the world may be replaced, nothing that is imported from our houses."""
    ours = {source.path: {name.split(".")[-1] for name in _ours(source)} for source in sources("tests")}
    replaced = [
        where
        for where, node in calls()
        if _name(node.func) == "setattr" and node.args and _root(node.args[0]) in ours[where.partition(":")[0]]
    ]
    assert replaced == []


def calls() -> list[tuple[str, ast.Call]]:
    """Every call of the tests, and where it is."""
    return [
        (f"{source.path}:{node.lineno}", node)
        for source in sources("tests")
        for node in ast.walk(source.tree)
        if isinstance(node, ast.Call)
    ]


def _ours(source: Source) -> set[str]:
    """Modules and names that this test imports from our houses."""
    names: set[str] = set()
    for node in ast.walk(source.tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] in HOUSES:
            names |= {alias.asname or alias.name for alias in node.names}
        elif isinstance(node, ast.Import):
            names |= {alias.asname or alias.name for alias in node.names if alias.name.split(".")[0] in HOUSES}
    return names


def _root(expression: ast.expr) -> str:
    """The name that an expression begins with: `machine` for `machine.unet.config`."""
    while isinstance(expression, ast.Attribute):
        expression = expression.value
    if isinstance(expression, ast.Constant):
        return str(expression.value).split(".")[0]
    return getattr(expression, "id", "")


def _name(called: ast.expr) -> str:
    return called.attr if isinstance(called, ast.Attribute) else getattr(called, "id", "")
