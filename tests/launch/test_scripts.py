"""The commands of an installation: they are their packages, and one without its extra names it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def script(name: str, *arguments: str, without: str = "") -> subprocess.CompletedProcess[str]:
    """A command as its installed script calls it, in a Python where one library is not there."""
    gone = f"sys.modules[{without!r}] = None; " if without else ""
    code = f"import sys; {gone}sys.argv[1:] = {list(arguments)!r}; from launch.scripts import {name}; {name}()"
    return subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)


@pytest.mark.parametrize(("name", "says"), [("bot", "doctor"), ("engine", "reproduce"), ("rehearsal", "--control")])
def test_a_command_is_its_package(name: str, says: str) -> None:
    done = script(name, "--help")
    assert (done.returncode, done.stderr) == (0, "")
    assert says in done.stdout


@pytest.mark.parametrize(
    ("name", "without"),
    [("bot", "typer"), ("bot", "pydantic_settings"), ("engine", "torch"), ("rehearsal", "starlette")],
)
def test_a_command_without_its_extra_names_it_and_ends_with_2(name: str, without: str, tmp_path: Path) -> None:
    arguments = () if name != "engine" else ("prove", "lora", "--dataset", "zip", "--out", str(tmp_path))
    done = script(name, *arguments, without=without)
    assert f"styleseal-{name} needs {without}" in done.stderr
    assert f"pip install 'styleseal[{name}]'" in done.stderr
    assert "Traceback" not in done.stderr
    assert done.returncode == 2


def test_a_module_of_our_own_that_is_missing_is_not_blamed_on_an_extra() -> None:
    done = script("bot", without="bot.settings")
    assert "pip install" not in done.stderr
    assert done.returncode == 1
