"""The directions of import hold, and so does what each process may load."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_the_import_contracts_are_kept() -> None:
    command = [str(Path(sys.executable).with_name("lint-imports")), "--no-cache"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_the_bot_starts_without_loading_torch() -> None:
    heavy = "{'torch', 'diffusers', 'transformers'}"
    code = f"import sys, bot.__main__, bot.telegram.app; assert not {heavy} & set(sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_the_bot_never_touches_what_only_an_engine_may() -> None:
    """It asks through the queue and reads the records of trainings; leases are the engine's."""
    touched = {
        f"{path.relative_to(ROOT)}:{node.lineno} .{node.attr}"
        for path in (ROOT / "bot").rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Attribute) and node.attr in {"leases", "fence"}
    }
    assert touched == set()
