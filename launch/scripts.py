"""The commands that an installation brings: `styleseal-bot` is `python -m bot`, and so on."""

from __future__ import annotations

import runpy
import sys

REFUSED = 2  # exit code
OWN = frozenset({"bot", "engine", "rehearsal", "storage"})


def bot() -> None:
    """styleseal-bot."""
    _run("bot")


def engine() -> None:
    """styleseal-engine."""
    _run("engine")


def rehearsal() -> None:
    """styleseal-rehearsal."""
    _run("rehearsal")


def _run(package: str) -> None:
    """Runs the package; where its extra is not installed, names the extra and ends with 2."""
    try:
        runpy.run_module(package, run_name="__main__", alter_sys=True)
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] in OWN:
            raise
        print(
            f"styleseal-{package} needs {error.name}, which is not installed: pip install 'styleseal[{package}]'",
            file=sys.stderr,
        )
        sys.exit(REFUSED)
