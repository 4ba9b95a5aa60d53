"""Models that an installed package brings: what it names under `styleseal.models` among its entry points."""

from __future__ import annotations

from contextlib import suppress
from importlib.metadata import entry_points
from pathlib import Path

GROUP = "styleseal.models"


def packaged_model(name: str) -> Path | None:
    """Where the model of this name lies; None where no package brings it."""
    for point in entry_points(group=GROUP, name=name):
        with suppress(ModuleNotFoundError):  # declared, but this image does without
            return Path(point.load())
    return None
