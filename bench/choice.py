"""Whether the advised checkpoint is as good as the best one, by labels on pictures that the advice never saw.

`python -m bench.choice run` goes on where it stopped: every unseen look once with the balanced preset and once made to
over-train. `python -m bench.choice table` prints what the advice lost in each run.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from statistics import mean

import typer

from bench.runs import ASKED, TRIGGER, Outcome, Palette, Runs, Scale, Weights, rows
from bench.unseen_looks import LOOKS
from bot.rules.recipe import preset_recipe
from engine.jobs.attempt import checkpoint_steps
from engine.measures.checkpoint_choice import Measures, advise
from engine.measures.style_gained import gained
from engine.models.loading import load_model
from engine.training.dataset import prepare
from engine.training.loop import Loop
from engine.training.text_side import text_side
from storage.errors import LossNotFinite
from storage.families import Family
from storage.recipe import Preset, Recipe

app = typer.Typer(add_completion=False, no_args_is_help=True, help=__doc__)
ENOUGH = 0.95  # of the best checkpoint's worth
SAMPLED = ("snail", "bicycle", "sunflower", "robot", "frog", "teapot", "mountain", "violin")
Shown = tuple[tuple[str, slice], ...]
ADVICE: Shown = (("advice", slice(4)),)  # four, as in a quest
LABELS: Shown = (("labels", slice(None)), ("advice", slice(4, None)))  # the fourteen that it does not see
SEED = 0


def arms(pictures: int) -> dict[str, Recipe]:
    """The preset, and what burns: a rate three times as high for half as long again."""
    balanced = replace(preset_recipe(Preset.BALANCED, Family.EMOJI, pictures, SEED), checkpoints=5)
    rate, steps = 3 * balanced.learning_rate, balanced.steps * 3 // 2
    burning = replace(balanced, preset=Preset.OWN, learning_rate=rate, steps=steps)
    return {"balanced": balanced, "made to over-train": burning}


def checked(
    loop: Loop, planned: Sequence[int], scales: Mapping[str, Scale], palette: Palette
) -> Iterator[dict[str, object]]:
    """What each scale sees of each checkpoint, up to the last step or to a loss that runs away."""
    try:
        while loop.step < planned[-1]:
            list(loop.run_step())
            if loop.step in planned:
                yield {"step": loop.step, **{side: scale.seen(loop.name, palette) for side, scale in scales.items()}}
    except LossNotFinite:
        return


@app.command()
def run(steps: int = 0, look: list[str] = []) -> None:  # noqa: B006 - typer reads the default, nobody changes it
    """Do every run that is not there yet; `steps` shortens them all, to see that it goes."""
    machine, runs = load_model(device="cpu"), Runs("choice")
    scales = {"advice": Scale(machine, rows(SAMPLED, TRIGGER, 71)), "labels": Scale(machine, rows(ASKED, TRIGGER, 500))}
    for name in look or LOOKS:
        palette = Palette(machine, name)
        for arm, recipe in arms(len(palette.pictures)).items():
            if (name, arm) in {(one["look"], one["arm"]) for one in runs.read()}:
                continue
            chosen = replace(recipe, steps=steps or recipe.steps)
            dataset = prepare(machine, palette.pictures, palette.files.__getitem__, chosen, TRIGGER)
            loop = Loop(machine, dataset, chosen, "chosen", text_side(machine, dataset, chosen, "chosen", TRIGGER))
            line: Outcome = {"look": name, "arm": arm, "spread": palette.spread}
            line["base"] = {side: scale.base(palette) for side, scale in scales.items()}
            line["checkpoints"] = list(checked(loop, checkpoint_steps(chosen), scales, palette))
            loop.close()
            runs.add(line)


def measured(one: Outcome, shown: Shown) -> list[Measures]:
    """A run's checkpoints as these pictures measure them."""

    def over(numbers: Mapping[str, Sequence[float]]) -> float:
        return mean(number for side, some in shown for number in numbers[side][some])

    base, measures = over(one["base"]), []
    for at in one["checkpoints"]:
        style = gained(base, over({side: at[side]["distances"] for side, _ in shown}), one["spread"])
        prompt = over({side: at[side]["kept"] for side, _ in shown})
        measures.append(Measures(at["step"], style, prompt, max(at[side]["copying"] for side, _ in shown)))
    return measures


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
def table(weights: Weights = "") -> None:
    """A row a run, and how many runs are within a twentieth of their best checkpoint."""
    near = [0, 0]
    typer.echo(
        "| look | run | advised | best by labels | share of its worth | by harmonic mean |\n" + "| --- " * 6 + "|"
    )
    found = Runs("choice", weights).read()
    for one in found:
        seen, labels = measured(one, ADVICE), measured(one, LABELS)
        ours, theirs = shares(seen, labels)
        near = [near[0] + (ours >= ENOUGH), near[1] + (theirs >= ENOUGH)]
        best = max(labels, key=lambda label: label.worth).step
        typer.echo(f"| {one['look']} | {one['arm']} | {advise(seen)} | {best} | {ours:.2f} | {theirs:.2f} |")
    typer.echo(
        f"\nwithin a twentieth of the best: {near[0]} by worth, {near[1]} by harmonic mean, of {len(found)} runs"
    )


if __name__ == "__main__":
    app()
