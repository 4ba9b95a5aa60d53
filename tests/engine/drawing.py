"""Rows to draw, the pictures they come to, and how alike two pictures are."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PIL import Image

from engine.models.machine import Machine
from engine.pictures.rows import Drawn, draw
from storage.records import Drawing, Seed
from storage.requests import Row


def rows_of(count: int, *, prompt: str = "a fox, flat vector", **drawing: object) -> list[Row]:
    settings = {"steps": 4, "width_px": 128, "height_px": 128, **drawing}
    return [
        Row(prompt=prompt, negative="blurry", seed=Seed(7 + number), subject="a fox", drawing=Drawing(**settings))  # type: ignore[arg-type]
        for number in range(count)
    ]


def drawn(machine: Machine, rows: Sequence[Row], skip: frozenset[int] = frozenset()) -> dict[int, Image.Image]:
    moments = draw(machine, rows, skip=skip)
    return {moment.position: moment.image for moment in moments if isinstance(moment, Drawn)}


def psnr(one: Image.Image, other: Image.Image) -> float:
    error = np.mean((np.asarray(one, dtype=float) - np.asarray(other, dtype=float)) ** 2)
    return float("inf") if error == 0 else float(10 * np.log10(255**2 / error))
