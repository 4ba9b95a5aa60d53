"""Our drawing against a plain diffusers loop in one process: same model, sampler, seeds and steps."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import torch
from diffusers import StableDiffusionPipeline

from bench.table import Line, compare
from emoji_sd import WEIGHTS
from engine.models.loading import load_model
from engine.pictures.rows import draw
from storage.records import Drawing, Seed
from storage.requests import Row
from storage.states import Sampler

PAIRS = 5
ALBUM = 4
SUBJECTS = ("fox", "castle", "rocket", "guitar")


def rows() -> list[Row]:
    """An album of 4 as a hunt asks for it."""
    drawing = Drawing(sampler=Sampler.DDIM)
    return [
        Row(prompt=f"a {subject}, pixel art", negative="", seed=Seed(number), subject=subject, drawing=drawing)
        for number, subject in enumerate(SUBJECTS)
    ]


def timed(work: Callable[[], Any]) -> float:
    """Seconds that `work` takes."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def main() -> list[Line]:
    """An album of 4 and a resident second job, interleaved A/B/A/B."""
    machine = load_model()
    pipeline = StableDiffusionPipeline.from_pretrained(WEIGHTS, dtype=torch.float32, use_safetensors=True)
    pipeline.set_progress_bar_config(disable=True)

    def ours() -> None:
        list(draw(machine, rows()))

    def plain() -> None:
        for row in rows():
            generator = torch.Generator("cpu").manual_seed(int(row.seed))
            pipeline(
                row.prompt,
                num_inference_steps=row.drawing.steps,
                guidance_scale=row.drawing.guidance_scale,
                generator=generator,
            )

    def fresh() -> None:
        loaded = StableDiffusionPipeline.from_pretrained(WEIGHTS, dtype=torch.float32, use_safetensors=True)
        loaded.set_progress_bar_config(disable=True)
        loaded(rows()[0].prompt, num_inference_steps=1)

    def second_job() -> None:
        next(draw(machine, rows()[:1]))

    for warm_up in (ours, plain, fresh, second_job):
        warm_up()
    album = [(timed(ours), timed(plain)) for _ in range(PAIRS)]
    start = [(timed(second_job), timed(fresh)) for _ in range(PAIRS)]
    return [
        compare("album of 4, 20 steps", [a for a, _ in album], "pipe() four times", [b for _, b in album], 1.05),
        compare(
            "second job's first step", [a for a, _ in start], "from_pretrained + run", [b for _, b in start], 1 / 3
        ),
    ]


if __name__ == "__main__":
    for line in main():
        print(line)
