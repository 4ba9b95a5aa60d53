"""Whether the advised checkpoint is as good as the best one, by labels on pictures that the advice never saw.

`python -m bench.choice run` goes on where it stopped (out/choice.jsonl): every unseen look once with the balanced
preset and once made to over-train. `python -m bench.choice table` prints what the advice lost in each run.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from statistics import mean
from typing import Any

import typer
from PIL import Image

from bench.recipes import ASKED, PALETTE, TRIGGER, drawn, palette, rows
from bench.unseen_looks import LOOKS
from bot.rules.recipe import preset_recipe
from engine.jobs.attempt import checkpoint_steps
from engine.measures.checkpoint_choice import Measures, advise
from engine.measures.copying import copying
from engine.measures.style_features import style_features
from engine.measures.style_gained import style_gained
from engine.measures.subject import SubjectMeasure
from engine.models.machine import Machine
from engine.training.dataset import prepare
from engine.training.loop import Loop
from storage.errors import LossNotFinite
from storage.records import Recipe
from storage.requests import Row

app = typer.Typer(add_completion=False, no_args_is_help=True, help=__doc__)
OUT = Path("out/choice.jsonl")
ENOUGH = 0.95  # of the best checkpoint's worth
QUEST = 4  # what the advice sees, as in a quest; the others of SAMPLED are kept to try more
SAMPLED = ("snail", "bicycle", "sunflower", "robot", "frog", "teapot", "mountain", "violin")
ADVICE, LABELS = "advice", "labels"
SEED = 0


def arms(pictures: int) -> dict[str, Recipe]:
    """The preset, and what burns: a rate three times as high for half as long again."""
    balanced = replace(preset_recipe("balanced", "emoji", pictures, SEED), checkpoints=5)
    burning = replace(balanced, preset="own", learning_rate=3 * balanced.learning_rate, steps=balanced.steps * 3 // 2)
    return {"balanced": balanced, "made to over-train": burning}


class Scale:
    """Looks at pictures of fixed rows; what it writes down is enough to try another measure without a training."""

    def __init__(self, machine: Machine, asked: Sequence[Row], made: Sequence[Image.Image]) -> None:
        self.machine, self.asked, self.made = machine, asked, made
        self.subject = SubjectMeasure(machine, (*(row.subject for row in asked), *PALETTE[:6]))
        self.base = self.features(drawn(machine, asked, {}))

    def features(self, images: Sequence[Image.Image]) -> list[list[float]]:
        """Style features, a row a picture."""
        return [[round(number, 5) for number in style_features(self.machine, image)] for image in images]

    def seen(self, name: str) -> dict[str, object]:
        """Of the adapter's pictures: style features, subjects kept, and the likeness to the palette."""
        images = drawn(self.machine, self.asked, {name: 1.0})
        kept = [
            self.subject.rank_score(list(self.subject.errors(image)), row.subject)
            for image, row in zip(images, self.asked, strict=True)
        ]
        return {"features": self.features(images), "kept": kept, "copying": copying(images, self.made)[0]}


def checked(loop: Loop, planned: Sequence[int], scales: Mapping[str, Scale]) -> Iterator[dict[str, object]]:
    """What each scale sees of each checkpoint, up to the last step or to a loss that runs away."""
    try:
        while loop.step < planned[-1]:
            list(loop.run_step())
            if loop.step in planned:
                yield {"step": loop.step, **{name: scale.seen(loop.name) for name, scale in scales.items()}}
    except LossNotFinite:
        return


@app.command()
def run(steps: int = 0, look: list[str] = []) -> None:  # noqa: B006 - typer reads the default, nobody changes it
    """Do every run that is not in the file yet; `steps` shortens them all, to see that it goes."""
    machine = Machine.load(device="cpu")
    OUT.parent.mkdir(exist_ok=True)
    done = {(one["look"], one["arm"]) for one in read()}
    for name in look or LOOKS:
        pictures, files, made = palette(machine, name)
        sides = {ADVICE: (SAMPLED, 71), LABELS: (ASKED, 500)}
        scales = {side: Scale(machine, rows(names, TRIGGER, seed), made) for side, (names, seed) in sides.items()}
        for arm, recipe in arms(len(pictures)).items():
            if (name, arm) in done:
                continue
            chosen = replace(recipe, steps=steps or recipe.steps)
            loop = Loop(machine, prepare(machine, pictures, files.__getitem__, chosen, TRIGGER), chosen, "chosen")
            found = list(checked(loop, checkpoint_steps(chosen), scales))
            loop.close()
            line = {
                "look": name,
                "arm": arm,
                "palette": scales[LABELS].features(made),
                "base": {side: scale.base for side, scale in scales.items()},
                "checkpoints": found,
            }
            with OUT.open("a") as file:
                file.write(json.dumps(line) + "\n")


def read() -> list[dict[str, Any]]:
    """The runs so far."""
    return [json.loads(line) for line in OUT.read_text().splitlines()] if OUT.exists() else []


def measured(one: dict[str, Any], side: str) -> list[Measures]:
    """A run's checkpoints as one side measures them."""
    return [
        Measures(
            checkpoint["step"],
            style_gained(one["base"][side], checkpoint[side]["features"], one["palette"]),
            mean(checkpoint[side]["kept"]),
            checkpoint[side]["copying"],
        )
        for checkpoint in one["checkpoints"]
    ]


def shares(seen: Sequence[Measures], labels: Sequence[Measures]) -> tuple[float, float]:
    """What of the best checkpoint's value the advised one has, by our own scalar and by the labels' harmonic mean."""
    place = [one.step for one in seen].index(advise(seen))
    worths = [one.worth for one in labels], [harmonic(one) for one in labels]
    ours, theirs = (values[place] / max(values) if max(values) > 0 else 1.0 for values in worths)
    return ours, theirs


def harmonic(one: Measures) -> float:
    """Style and prompt without our scalar's saturation, guess and copies: a judge who did not read it."""
    style, prompt = max(0.0, one.style_gained), max(0.0, one.prompt_kept)
    return 2 * style * prompt / (style + prompt) if style + prompt else 0.0


@app.command()
def table() -> None:
    """A row a run, and how many runs are within a twentieth of their best checkpoint."""
    near = [0, 0]
    typer.echo(
        "| look | run | advised | best by labels | share of its worth | by harmonic mean |\n" + "| --- " * 6 + "|"
    )
    for one in read():
        seen, labels = (measured(one, side) for side in (ADVICE, LABELS))
        ours, theirs = shares(seen, labels)
        near = [near[0] + (ours >= ENOUGH), near[1] + (theirs >= ENOUGH)]
        best = max(labels, key=lambda label: label.worth).step
        typer.echo(f"| {one['look']} | {one['arm']} | {advise(seen)} | {best} | {ours:.2f} | {theirs:.2f} |")
    typer.echo(
        f"\nwithin a twentieth of the best: {near[0]} by worth, {near[1]} by harmonic mean, of {len(read())} runs"
    )


if __name__ == "__main__":
    app()
