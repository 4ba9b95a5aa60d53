"""Pictures of the class for prior preservation: drawn by the bare model itself, so that nobody has to bring any."""

from __future__ import annotations

from collections.abc import Generator

from PIL import Image

from engine.models.machine import Machine
from engine.pictures.rows import Drawn, draw
from storage.recipe import Recipe
from storage.records import Drawing, Seed
from storage.requests import Row

SEEDS = 2**32


def drawing_class(machine: Machine, recipe: Recipe) -> Generator[None, None, list[Image.Image]]:
    """`class_pictures` pictures of `class_prompt` without any adapter (Ruiz et al. 2022, arXiv 2208.12242).

    Their seeds follow the recipe's, so a training that goes on after a kill learns from the same ones.
    """
    side = machine.size_px
    drawing = Drawing(width_px=side, height_px=side)
    rows = [
        Row(
            prompt=recipe.class_prompt,
            negative="",
            seed=Seed((int(recipe.seed) + 1 + number) % SEEDS),
            subject=recipe.class_prompt,
            drawing=drawing,
        )
        for number in range(recipe.class_pictures)
    ]
    found: list[Image.Image] = []
    for moment in draw(machine, rows):
        if isinstance(moment, Drawn):
            found.append(moment.image)
        yield
    return found
