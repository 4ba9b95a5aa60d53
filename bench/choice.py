"""Whether the advised checkpoint is as good as the best one, by labels on pictures that the advice never saw.

`python -m bench.choice run` goes on where it stopped (out/choice.jsonl): every unseen look once with the balanced
preset and once made to over-train. `python -m bench.choice table` prints what the advice lost in each run.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from statistics import mean

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
SAMPLED = ("snail", "bicycle", "sunflower", "robot")  # what the advice sees: four, as in a quest
SEED = 0


def arms(pictures: int) -> dict[str, Recipe]:
    """The preset, and what burns: a rate five times as high for twice as long."""
    balanced = replace(preset_recipe("balanced", "emoji", pictures, SEED), checkpoints=5)
    burning = replace(balanced, preset="own", learning_rate=5 * balanced.learning_rate, steps=2 * balanced.steps)
    return {"balanced": balanced, "made to over-train": burning}


class Scale:
    """Measures pictures of fixed rows against the base and the palette."""

    def __init__(self, machine: Machine, asked: Sequence[Row], made: Sequence[Image.Image]) -> None:
        self.machine, self.asked, self.made = machine, asked, made
        self.own = [style_features(machine, image) for image in made]
        self.base = [style_features(machine, image) for image in drawn(machine, asked, {})]
        self.subject = SubjectMeasure(machine, (*(row.subject for row in asked), *PALETTE[:6]))

    def measured(self, name: str, step: int) -> Measures:
        """The three measures of the adapter at this step."""
        images = drawn(self.machine, self.asked, {name: 1.0})
        kept = mean(
            self.subject.rank_score(list(self.subject.errors(image)), row.subject)
            for image, row in zip(images, self.asked, strict=True)
        )
        gained = style_gained(self.base, [style_features(self.machine, image) for image in images], self.own)
        return Measures(step, gained, kept, copying(images, self.made)[0])


def checked(loop: Loop, planned: Sequence[int], scales: Sequence[Scale]) -> Iterator[list[dict[str, float]]]:
    """What each scale says of each checkpoint, up to the last step or to a loss that runs away."""
    try:
        while loop.step < planned[-1]:
            list(loop.run_step())
            if loop.step in planned:
                yield [vars(scale.measured(loop.name, loop.step)) for scale in scales]
    except LossNotFinite:
        return


@app.command()
def run(steps: int = 0) -> None:
    """Do every run that is not in the file yet; `steps` shortens them all, to see that it goes."""
    machine = Machine.load(device="cpu")
    OUT.parent.mkdir(exist_ok=True)
    done = {(one["look"], one["arm"]) for one in read()}
    for look in LOOKS:
        pictures, files, made = palette(machine, look)
        scales = [Scale(machine, rows(names, TRIGGER, seed), made) for names, seed in ((SAMPLED, 71), (ASKED, 500))]
        for arm, recipe in arms(len(pictures)).items():
            if (look, arm) in done:
                continue
            chosen = replace(recipe, steps=steps or recipe.steps)
            loop = Loop(machine, prepare(machine, pictures, files.__getitem__, chosen), chosen, "chosen")
            found = list(checked(loop, checkpoint_steps(chosen), scales))
            loop.close()
            with OUT.open("a") as file:
                file.write(json.dumps({"look": look, "arm": arm, "checkpoints": found}) + "\n")


def read() -> list[dict[str, object]]:
    """The runs so far: per checkpoint what the advice saw, and the labels."""
    return [json.loads(line) for line in OUT.read_text().splitlines()] if OUT.exists() else []


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
        pairs: list[list[dict[str, float]]] = one["checkpoints"]  # type: ignore[assignment]
        seen, labels = ([Measures(**pair[side]) for pair in pairs] for side in (0, 1))  # type: ignore[arg-type]
        ours, theirs = shares(seen, labels)
        near = [near[0] + (ours >= ENOUGH), near[1] + (theirs >= ENOUGH)]
        best = max(labels, key=lambda label: label.worth).step
        typer.echo(f"| {one['look']} | {one['arm']} | {advise(seen)} | {best} | {ours:.2f} | {theirs:.2f} |")
    typer.echo(
        f"\nwithin a twentieth of the best: {near[0]} by worth, {near[1]} by harmonic mean, of {len(read())} runs"
    )


if __name__ == "__main__":
    app()
