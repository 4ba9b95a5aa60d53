"""Whether drawn pictures copy the palette: likeness to the nearest palette picture in coarse light and dark."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image

SIDE = 16


def coarse(image: Image.Image) -> NDArray[np.float64]:
    """Brightness on a 16×16 grid, zero mean, unit length."""
    grid = np.asarray(image.convert("L").resize((SIDE, SIDE), Image.Resampling.BOX), dtype=np.float64).ravel()
    grid -= grid.mean()
    return grid / (np.linalg.norm(grid) or 1.0)


def copying(drawn: Sequence[Image.Image], palette: Sequence[Image.Image]) -> tuple[float, int]:
    """(mean likeness to the nearest palette picture, 0 … 1; position of the palette picture nearest to any)."""
    known = np.stack([coarse(image) for image in palette])
    likeness = np.stack([coarse(image) for image in drawn]) @ known.T
    nearest = likeness.max(axis=1)
    return float(np.clip(nearest.mean(), 0, 1)), int(likeness.max(axis=0).argmax())
