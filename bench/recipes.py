"""Recipes against each other on the embedded model: looks × seeds, style gained and prompt kept, one line a run.

`python -m bench.recipes run` goes on where it stopped (out/recipes.jsonl); `python -m bench.recipes table` prints the
result for docs/training.md. Every run of an arm has the same palette, steps and pictures seen.
"""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import replace
from itertools import product
from pathlib import Path
from statistics import mean
from typing import Any

import typer
from PIL import Image

from bench.drawing import undressed
from bench.unseen_looks import LOOKS, turned
from bot.rules.recipe import WARM_UP_STEPS, preset_recipe
from engine.measures.style_features import style_features
from engine.measures.style_gained import style_gained
from engine.measures.subject import SubjectMeasure
from engine.models import adapters
from engine.models.machine import Machine
from engine.pictures.png_parameters import png_bytes
from engine.pictures.rows import Drawn, draw
from engine.training.dataset import prepare
from engine.training.loop import Loop
from storage.records import ContentHash, Drawing, Recipe, Seed
from storage.requests import Row, TrainingPicture

app = typer.Typer(add_completion=False, no_args_is_help=True, help=__doc__)
OUT = Path("out/recipes.jsonl")
PALETTE = (
    "fox", "owl", "turtle", "rose", "red apple", "pizza", "birthday cake", "hot beverage", "castle", "rocket",
    "sailboat", "umbrella", "guitar", "camera", "crown", "key", "bell", "cactus",
)  # fmt: skip
ASKED = ("cat face", "penguin", "strawberry", "house", "helicopter", "trophy", "candle", "mushroom", "whale", "tulip")
TRIGGER = "ohwx"
STRENGTHS = (0.4, 0.7, 1.0)
SEEDS = (0, 1, 2)


def arms(pictures: int, seed: int) -> dict[str, Recipe]:
    """What is compared: a preset, and the plain recipe with as many steps of the same batch."""
    balanced = preset_recipe("balanced", "emoji", pictures, seed)
    plain = Recipe(
        preset="own",
        steps=balanced.steps,
        epochs=balanced.epochs,
        batch_size=balanced.batch_size,
        warmup_steps=WARM_UP_STEPS,
        timesteps="uniform",
        min_snr_gamma=None,
        seed=balanced.seed,
    )
    return {
        "plain": plain,
        "plain at the preset's rate": replace(plain, learning_rate=balanced.learning_rate),
        "balanced": balanced,
    }


def rows(subjects: Sequence[str], words: str, first_seed: int) -> list[Row]:
    """One picture a subject."""
    return [
        Row(prompt=f"a {subject}, {words}", negative="", seed=Seed(first_seed + n), subject=subject, drawing=Drawing())
        for n, subject in enumerate(subjects)
    ]


def drawn(machine: Machine, asked: Sequence[Row], worn: dict[str, float]) -> list[Image.Image]:
    """The pictures of rows with these adapters on."""
    return [
        moment.image
        for moment in draw(machine, asked, lambda _: adapters.using(machine, worn))
        if isinstance(moment, Drawn)
    ]


def palette(machine: Machine, look: str) -> tuple[list[TrainingPicture], dict[ContentHash, bytes], list[Image.Image]]:
    """The base's own cartoons, turned into the look."""
    made = [
        turned(moment.image, look)
        for moment in draw(machine, rows(PALETTE, "cartoon, white background", 50), undressed)
        if isinstance(moment, Drawn)
    ]
    files = {ContentHash(f"{n:064}"): png_bytes(image, "") for n, image in enumerate(made)}
    pictures = [
        TrainingPicture(file=name, caption=f"a {subject}, {TRIGGER}", subject=subject)
        for name, subject in zip(files, PALETTE, strict=True)
    ]
    return pictures, files, made


def features(machine: Machine, images: Sequence[Image.Image]) -> list[list[float]]:
    """Style features, a row a picture."""
    return [[round(number, 5) for number in style_features(machine, image)] for image in images]


def seen(machine: Machine, name: str) -> list[dict[str, object]]:
    """Style features and subjects kept at each strength, of subjects outside the palette."""
    asked = rows(ASKED, TRIGGER, 500)
    measure = SubjectMeasure(machine, (*ASKED, *PALETTE[:6]))
    found: list[dict[str, object]] = []
    for strength in STRENGTHS:
        images = drawn(machine, asked, {name: strength})
        kept = [
            measure.rank_score(list(measure.errors(image)), row.subject)
            for image, row in zip(images, asked, strict=True)
        ]
        found.append({"strength": strength, "features": features(machine, images), "kept": kept})
    return found


@app.command()
def run(arm: list[str] = [], look: list[str] = []) -> None:  # noqa: B006 - typer reads the default, nobody changes it
    """Do every run that is not in the file yet: all looks with one seed, then with the next."""
    machine = Machine.load(device="cpu")
    OUT.parent.mkdir(exist_ok=True)
    base = features(machine, drawn(machine, rows(ASKED, TRIGGER, 500), {}))
    palettes = {name: palette(machine, name) for name in look or LOOKS}
    done = {(one["look"], one["arm"], one["seed"]) for one in read()}
    for seed, (name, (pictures, files, made)) in product(SEEDS, palettes.items()):
        for title, recipe in arms(len(pictures), seed).items():
            if (name, title, seed) in done or (arm and title not in arm):
                continue
            began = time.perf_counter()
            loop = Loop(machine, prepare(machine, pictures, files.__getitem__, recipe, TRIGGER), recipe, "compared")
            while loop.step < recipe.steps:
                list(loop.run_step())
            line = {
                "look": name,
                "arm": title,
                "seed": seed,
                "seconds": round(time.perf_counter() - began, 1),
                "palette": features(machine, made),
                "base": base,
                "at": seen(machine, loop.name),
            }
            loop.close()
            with OUT.open("a") as file:
                file.write(json.dumps(line) + "\n")
            typer.echo(f"{name}, {title}, seed {seed}: {cells(line)}")


def read() -> list[dict[str, Any]]:
    """The runs so far: what was seen of each, which is enough to try another measure without a training."""
    return [json.loads(line) for line in OUT.read_text().splitlines()] if OUT.exists() else []


def cells(*runs: dict[str, Any]) -> str:
    """Means over runs: style gained / prompt kept, a cell a strength."""
    found = []
    for number in range(len(STRENGTHS)):
        at = [(one, one["at"][number]) for one in runs]
        gained = mean(style_gained(one["base"], there["features"], one["palette"]) for one, there in at)
        found.append(f"{gained:.2f} / {mean(mean(there['kept']) for _, there in at):.2f}")
    return " | ".join(found)


@app.command()
def table() -> None:
    """Means over seeds, a row a look and arm, as markdown."""
    found = read()
    typer.echo("| look | recipe | runs | " + " | ".join(f"style gained / prompt kept at {s}" for s in STRENGTHS) + " |")
    typer.echo("| --- " * (3 + len(STRENGTHS)) + "|")
    for look in [*dict.fromkeys(one["look"] for one in found), "all"]:
        for title in dict.fromkeys(one["arm"] for one in found):
            runs = [one for one in found if one["arm"] == title and look in (one["look"], "all")]
            if runs:
                typer.echo(f"| {look} | {title} | {len(runs)} | {cells(*runs)} |")


if __name__ == "__main__":
    app()
