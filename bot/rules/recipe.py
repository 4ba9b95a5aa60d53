"""The numbers of a training: presets that work, what may be changed, what clashes, each with its reason."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

from storage.records import Recipe, Seed

PRESETS = ("fast", "balanced", "thorough")
UPLOAD_BYTES = 50 * 10**6  # Bot API: what a bot may send as a document


ATTENTION = ("to_q", "to_k", "to_v", "to_out.0")
WIDE = (*ATTENTION, "ff.net.0.proj", "ff.net.2", "proj_in", "proj_out")


@dataclass(frozen=True)
class Base:
    """What a family's presets are, and what a rank of them weighs."""

    presets: dict[str, Recipe]
    bytes_a_rank: int  # of the exported fp16 file: two bytes for every input and output of every target


def _large(**changes: Any) -> dict[str, Recipe]:
    """The three presets of a large model: SPEC.md's numbers, and steps by how long one is ready to wait."""
    recipe = replace(Recipe(targets=ATTENTION), **changes)
    return {
        "fast": replace(recipe, preset="fast", steps=300, checkpoints=3),
        "balanced": replace(recipe, preset="balanced", steps=600, checkpoints=4),
        "thorough": replace(recipe, preset="thorough", steps=1000, checkpoints=5),
    }


# Measured on 18 pictures in two looks: attention alone at 1e-4 gains 3 % of a style, these gain 90 % in 120 steps and
# keep every subject. No min-SNR: it weighs the noisy steps away, and with zero terminal SNR those carry the look.
_EMOJI = Recipe(targets=WIDE, batch_size=4, min_snr_gamma=None)
EMOJI_PRESETS = {
    "fast": replace(_EMOJI, preset="fast", steps=120, learning_rate=1e-3, rank=16, alpha=16, checkpoints=3),
    "balanced": replace(_EMOJI, preset="balanced", steps=240, learning_rate=8e-4, rank=16, alpha=16, checkpoints=4),
    "thorough": replace(_EMOJI, preset="thorough", steps=480, learning_rate=5e-4, rank=32, alpha=32, checkpoints=4),
}
BASES = {
    "emoji": Base(EMOJI_PRESETS, 101_632),
    "sd1": Base(_large(batch_size=2, accumulation=2), 398_592),
    "sd2": Base(_large(batch_size=2, accumulation=2), 415_000),
    # Rank 16, because 47 MB fit into one message and rank 32 does not; batch 1 fits 12 GB.
    "sdxl": Base(_large(batch_size=1, accumulation=4, rank=16, alpha=16), 2_903_040),
}
WARM_UP_STEPS = 10

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
    recipe = BASES.get(family, BASES["sd1"]).presets[name]
    held = recipe.batch_size * recipe.accumulation
    epochs = max(1, round(recipe.steps * held / max(1, pictures)))
    return replace(recipe, epochs=epochs, warmup_steps=WARM_UP_STEPS, seed=Seed(seed))


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


def clash(recipe: Recipe, pictures: int, family: str) -> str:
    """Why these numbers cannot go together, as a key for words; empty when they can."""
    if recipe.batch_size * recipe.accumulation > max(1, pictures):
        return "batch"  # a step would hold the same picture twice
    if recipe.use_rslora and recipe.learning_rate >= 5e-4 and recipe.rank >= 32:
        return "rslora"  # it scales by alpha/sqrt(rank): five times the push at rank 32
    if recipe.min_snr_gamma is not None and family == "emoji":
        return "snr"
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
