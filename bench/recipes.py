"""Recipes against each other on the embedded model: looks × seeds, style gained and prompt kept, one line a run.

`python -m bench.recipes run` goes on where it stopped; `python -m bench.recipes table` prints the result for
docs/training.md. Every run of an arm has the same palette, steps and pictures seen.
"""

from __future__ import annotations

import time
from dataclasses import replace
from itertools import product
from statistics import mean

import typer

from bench.runs import ASKED, TRIGGER, Outcome, Palette, Runs, Scale, Weights, rows
from bench.unseen_looks import LOOKS
from bot.rules.recipe import WARM_UP_STEPS, preset_recipe
from engine.measures.style_gained import gained
from engine.models.loading import load_model
from engine.training.dataset import prepare
from engine.training.loop import Loop
from engine.training.text_side import text_side
from storage.families import Family
from storage.recipe import Preset, Recipe, Timesteps

app = typer.Typer(add_completion=False, no_args_is_help=True, help=__doc__)
STRENGTHS = (0.4, 0.7, 1.0)
SEEDS = (0, 1, 2)


def arms(pictures: int, seed: int) -> dict[str, Recipe]:
    """What is compared: a preset, and the plain recipe with as many steps of the same batch."""
    balanced = preset_recipe(Preset.BALANCED, Family.EMOJI, pictures, seed)
    plain = Recipe(
        preset=Preset.OWN,
        steps=balanced.steps,
        epochs=balanced.epochs,
        batch_size=balanced.batch_size,
        warmup_steps=WARM_UP_STEPS,
        timesteps=Timesteps.UNIFORM,
        min_snr_gamma=None,
        seed=balanced.seed,
    )
    return {
        "plain": plain,
        "plain at the preset's rate": replace(plain, learning_rate=balanced.learning_rate),
        "balanced": balanced,
    }


@app.command()
def run(arm: list[str] = [], look: list[str] = []) -> None:  # noqa: B006 - typer reads the default, nobody changes it
    """Do every run that is not there yet: all looks with one seed, then with the next."""
    machine, runs = load_model(device="cpu"), Runs("recipes")
    scale = Scale(machine, rows(ASKED, TRIGGER, 500))
    palettes = {name: Palette(machine, name) for name in look or LOOKS}
    for seed, (name, palette) in product(SEEDS, palettes.items()):
        for title, recipe in arms(len(palette.pictures), seed).items():
            done = {(one["look"], one["arm"], one["seed"]) for one in runs.read()}
            if (name, title, seed) in done or (arm and title not in arm):
                continue
            began = time.perf_counter()
            dataset = prepare(machine, palette.pictures, palette.files.__getitem__, recipe, TRIGGER)
            loop = Loop(machine, dataset, recipe, "compared", text_side(machine, dataset, recipe, "compared", TRIGGER))
            while loop.step < recipe.steps:
                list(loop.run_step())
            seconds = round(time.perf_counter() - began, 1)
            line: Outcome = {"look": name, "arm": title, "seed": seed, "seconds": seconds, "spread": palette.spread}
            line["base"] = scale.base(palette)
            line["at"] = [scale.seen(loop.name, palette, strength) for strength in STRENGTHS]
            loop.close()
            runs.add(line)
            typer.echo(f"{name}, {title}, seed {seed}: {cells(line)}")


def cells(*runs: Outcome) -> str:
    """Means over runs: style gained / prompt kept, a cell a strength."""
    found = []
    for number in range(len(STRENGTHS)):
        style = mean(gained(mean(one["base"]), mean(one["at"][number]["distances"]), one["spread"]) for one in runs)
        found.append(f"{style:.2f} / {mean(mean(one['at'][number]['kept']) for one in runs):.2f}")
    return " | ".join(found)


@app.command()
def table(weights: Weights = "") -> None:
    """Means over seeds, a row a look and arm, as markdown."""
    found = Runs("recipes", weights).read()
    typer.echo("| look | recipe | runs | " + " | ".join(f"style gained / prompt kept at {s}" for s in STRENGTHS) + " |")
    typer.echo("| --- " * (3 + len(STRENGTHS)) + "|")
    for look in [*dict.fromkeys(one["look"] for one in found), "all"]:
        for title in dict.fromkeys(one["arm"] for one in found):
            runs = [one for one in found if one["arm"] == title and look in (one["look"], "all")]
            if runs:
                typer.echo(f"| {look} | {title} | {len(runs)} | {cells(*runs)} |")


if __name__ == "__main__":
    app()
