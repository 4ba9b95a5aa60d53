"""The numbers of a training: presets that work, what may be changed, what clashes, each with its reason."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

from storage.records import Recipe, Seed

PRESETS = ("fast", "balanced", "thorough")
UPLOAD_BYTES = 50 * 10**6  # Bot API: what a bot may send as a document


@dataclass(frozen=True)
class Base:
    """What a family's presets share, and how many optimizer steps each preset takes."""

    steps: dict[str, int]
    recipe: Recipe
    bytes_a_rank: int  # of the exported fp16 file, for these targets


# Bytes a rank: (inputs + outputs) of every attention matrix of the U-Net, two bytes each.
BASES = {
    "emoji": Base(
        {"fast": 160, "balanced": 300, "thorough": 500},
        Recipe(rank=16, alpha=16, learning_rate=5e-4, batch_size=4),  # 1e-3 for 400 steps was too strong (its README)
        47_488,
    ),
    "sd1": Base(
        {"fast": 300, "balanced": 600, "thorough": 1000},
        Recipe(rank=32, alpha=32, learning_rate=1e-4, batch_size=2, accumulation=2),
        398_592,
    ),
    "sd2": Base(
        {"fast": 300, "balanced": 600, "thorough": 1000},
        Recipe(rank=32, alpha=32, learning_rate=1e-4, batch_size=2, accumulation=2),
        415_000,
    ),
    "sdxl": Base(
        {"fast": 300, "balanced": 600, "thorough": 1000},
        Recipe(rank=16, alpha=16, learning_rate=1e-4, batch_size=1, accumulation=4),  # 16: 47 MB fit into one message
        2_903_040,
    ),
}
CHECKPOINTS = {"fast": 3, "balanced": 4, "thorough": 5}

# What a tap on a number goes through.
CHOICES: dict[str, tuple[Any, ...]] = {
    "rank": (8, 16, 32, 64),
    "alpha": ("rank", "half"),
    "rate": (5e-5, 1e-4, 2e-4, 5e-4, 1e-3),
    "epochs": (10, 20, 30, 50, 80),
    "batch": (1, 2, 4),
    "accumulation": (1, 2, 4),
    "snr": (None, 5.0),
    "rslora": (False, True),
    "dropout": (0.0, 0.05, 0.1),
    "checkpoints": (3, 4, 5, 6),
}
FIELDS = {
    "rank": "rank",
    "alpha": "alpha",
    "rate": "learning_rate",
    "epochs": "epochs",
    "batch": "batch_size",
    "accumulation": "accumulation",
    "snr": "min_snr_gamma",
    "rslora": "use_rslora",
    "dropout": "caption_dropout",
    "checkpoints": "checkpoints",
}


def preset_recipe(name: str, family: str, pictures: int, seed: int) -> Recipe:
    """The recipe of a preset for a palette of this size."""
    base = BASES.get(family, BASES["sd1"])
    steps = base.steps[name]
    recipe = replace(base.recipe, preset=name, steps=steps, checkpoints=CHECKPOINTS[name], seed=Seed(seed))
    held = recipe.batch_size * recipe.accumulation
    epochs = max(1, round(steps * held / max(1, pictures)))
    return replace(recipe, epochs=epochs, warmup_steps=max(1, steps // 20))


def next_choice(recipe: Recipe, number: str, pictures: int) -> Recipe:
    """The recipe with the next choice of one number; steps follow from epochs. KeyError for an unknown number."""
    choices = CHOICES[number]
    if number == "alpha":
        changed = replace(recipe, alpha=recipe.rank // 2 if recipe.alpha == recipe.rank else recipe.rank)
    elif number == "rank":
        rank = _after(choices, recipe.rank)
        changed = replace(recipe, rank=rank, alpha=rank * recipe.alpha // recipe.rank)
    else:
        changed = replace(recipe, **{FIELDS[number]: _after(choices, getattr(recipe, FIELDS[number]))})
    if number in ("epochs", "batch", "accumulation"):
        changed = replace(changed, steps=steps_of(changed, pictures))
    return replace(changed, preset="own")


def steps_of(recipe: Recipe, pictures: int) -> int:
    """Optimizer steps that the recipe's epochs amount to."""
    return max(1, math.ceil(recipe.epochs * pictures / (recipe.batch_size * recipe.accumulation)))


def clash(recipe: Recipe, pictures: int) -> str:
    """Why these numbers cannot go together, as a key for words; empty when they can."""
    if recipe.batch_size * recipe.accumulation > max(1, pictures):
        return "batch"  # a step would hold the same picture twice
    if recipe.use_rslora and recipe.learning_rate >= 5e-4 and recipe.rank >= 32:
        return "rslora"  # it scales by alpha/sqrt(rank): five times the push at rank 32
    if recipe.checkpoints * 5 > recipe.steps:
        return "checkpoints"  # fewer than five steps between two of them show nothing
    return ""


def file_bytes(recipe: Recipe, family: str) -> int:
    """About how large the exported LoRA will be."""
    return BASES.get(family, BASES["sd1"]).bytes_a_rank * recipe.rank


def _after(choices: tuple[Any, ...], value: Any) -> Any:
    """The choice after this one; for a value between choices the next larger, and round again."""
    if value in choices:
        return choices[(choices.index(value) + 1) % len(choices)]
    return next(
        (choice for choice in choices if choice is not None and value is not None and choice > value), choices[0]
    )
