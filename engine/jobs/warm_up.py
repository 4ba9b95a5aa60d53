"""Draws one picture at start, so that the first person neither waits for cold caches nor is told a guess."""

from __future__ import annotations

import time

from PIL import Image

from engine.measures.style_features import style_features
from engine.models.machine import Machine
from engine.pictures.rows import draw
from storage.records import Drawing, Seed
from storage.requests import Row

COLD_STEPS = 2  # kernels are chosen and memory is taken in these
MEASURED_STEPS = 6
ROWS = 2


def warm_up(machine: Machine) -> float:
    """Seconds a picture's denoising step takes. To be called on the thread that will draw: threads warm pools."""
    _seconds(machine, COLD_STEPS)
    style_features(machine, Image.new("RGB", (machine.size_px, machine.size_px)))  # its references
    return _seconds(machine, MEASURED_STEPS) / ROWS / MEASURED_STEPS


def _seconds(machine: Machine, steps: int) -> float:
    drawing = Drawing(steps=steps, width_px=machine.size_px, height_px=machine.size_px)
    rows = [
        Row(prompt="a lighthouse", negative="", seed=Seed(seed), subject="a lighthouse", drawing=drawing)
        for seed in range(ROWS)
    ]
    started = time.perf_counter()
    for _ in draw(machine, rows):
        pass
    return time.perf_counter() - started
