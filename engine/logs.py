"""Keeps the libraries that load models quiet on a newcomer's screen; log lines themselves are storage's."""

from __future__ import annotations

import os


def quiet_libraries() -> None:
    """Call before transformers is imported."""
    os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
    os.environ.setdefault("DIFFUSERS_VERBOSITY", "error")
