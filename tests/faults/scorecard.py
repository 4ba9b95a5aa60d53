"""Counts the faults of docs/reliability.md that are held: the page says so, and the tests it names pass now."""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from pathlib import Path
from xml.etree import ElementTree

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "reliability.md"
LINE = re.compile(r"^\| (F\d\d) \| .*? \| (.*?) \| (.*?) \|$", re.MULTILINE)
FAULTS = 30


def held_by() -> dict[str, set[str]]:
    """The tests of each fault that the page calls held."""
    found = LINE.findall(PAGE.read_text())
    return {
        fault: set(re.findall(r"`(test_\w+)`", tests)) for fault, tests, result in found if result.startswith("held")
    }


def passing(names: set[str]) -> set[str]:
    """Which of these tests pass; one with several cases passes when all of them do."""
    code = {path: path.read_text() for path in (ROOT / "tests").rglob("test_*.py")}
    where = [f"{path}::{name}" for name in sorted(names) for path, text in code.items() if f"def {name}(" in text]
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.xml"
        command = [sys.executable, "-m", "pytest", "-n", "0", "-q", "-p", "no:randomly", f"--junitxml={report}", *where]
        subprocess.run(command, cwd=ROOT, check=False)
        cases = list(ElementTree.parse(report).iter("testcase"))
    ran = {(case.get("name") or "").partition("[")[0] for case in cases}
    bad = {(case.get("name") or "").partition("[")[0] for case in cases if len(case)}
    return ran - bad


def count_held() -> int:
    """Plays the tests of all faults that are called held."""
    wanted = held_by()
    passed = passing(set().union(*wanted.values()))
    for fault, names in wanted.items():
        if not names or names - passed:
            print(f"{fault} is not held: {', '.join(sorted(names - passed)) or 'no test'}")
    return sum(1 for names in wanted.values() if names and names <= passed)
