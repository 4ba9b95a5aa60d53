"""The numbers a person may change, by page, what a tap on each goes through, and what is skipped with its reason."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

from bot.rules.clashes import Setting, clashes
from bot.rules.recipe import nearest_preset, targets_name
from storage.families import Family
from storage.presets import ATTENTION, CONV, RESIDUAL, WIDE
from storage.recipe import SELF_RATED, Loss, Optimizer, Preset, Prior, Recipe, Schedule, Timesteps


@dataclass(frozen=True)
class Number:
    """A field of the recipe and what a tap goes through."""

    field: str
    choices: tuple[Any, ...]


CLASS_PICTURES = 50  # a handful a concept picture, as DreamBooth's authors draw (arXiv 2208.12242); a tap changes it

PAGES: dict[str, dict[str, Number]] = {
    "length": {
        "epochs": Number("epochs", (10, 20, 30, 50, 80)),
        "batch": Number("batch_size", (1, 2, 4)),
        "accumulation": Number("accumulation", (1, 2, 4)),
        "checkpoints": Number("checkpoints", (3, 4, 5, 6)),
    },
    "views": {
        "flip": Number("flip", (False, True)),
        "moved": Number("moved", (0, 2, 5)),
        "crops": Number("crops", (1, 2, 4)),
        "buckets": Number("buckets", (1, 2, 3)),
        "masked": Number("masked", (False, True)),
    },
    "weights": {
        "rank": Number("rank", (4, 8, 16, 32, 64)),
        "alpha": Number("alpha", ("rank", "half")),
        "targets": Number("targets", (ATTENTION, WIDE, CONV, RESIDUAL)),
        "rslora": Number("use_rslora", (False, True)),
        "dora": Number("use_dora", (False, True)),
    },
    "optimizer": {
        "optimizer": Number("optimizer", tuple(Optimizer)),
        "rate": Number("learning_rate", (5e-5, 1e-4, 2e-4, 5e-4, 8e-4, 1e-3)),
        "loraplus": Number("loraplus_ratio", (1.0, 4.0, 16.0)),
        "schedule": Number("schedule", tuple(Schedule)),
        "warmup": Number("warmup_steps", (0, 10, 50, 100)),
        "ema": Number("ema_decay", (0.0, 0.98, 0.99, 0.995)),
    },
    "loss": {
        "loss": Number("loss", tuple(Loss)),
        "snr": Number("min_snr_gamma", (None, 5.0)),
        "debiased": Number("debiased", (False, True)),
        "offset": Number("noise_offset", (0.0, 0.0357, 0.1)),
        "timesteps": Number("timesteps", tuple(Timesteps)),
    },
    "captions": {
        "dropout": Number("caption_dropout", (0.0, 0.05, 0.1)),
        "shuffle": Number("shuffle_caption", (False, True)),
        "encoder": Number("text_encoder_learning_rate", (0.0, 1e-5, 5e-5)),
        "tokens": Number("new_tokens", (0, 1, 2, 4)),
        "learns": Number("lora", (True, False)),
    },
    "prior": {
        "prior": Number("prior_weight", (0.0, 0.5, 1.0)),
        "form": Number("prior", tuple(Prior)),
        "pictures": Number("class_pictures", (20, 50, 100)),
    },
}
NUMBERS: dict[str, Number] = {name: number for page in PAGES.values() for name, number in page.items()}


def next_choice(recipe: Recipe, name: str, pictures: int, family: Family) -> Recipe:
    """The recipe with the next choice of one number; what hangs on it follows. KeyError for an unknown number."""
    number = NUMBERS[name]
    if name == "alpha":
        changed = replace(recipe, alpha=recipe.rank // 2 if recipe.alpha == recipe.rank else recipe.rank)
    elif name == "rank":
        rank = _after(number.choices, recipe.rank)
        changed = replace(recipe, rank=rank, alpha=max(1, rank * recipe.alpha // recipe.rank))
    else:
        changed = replace(recipe, **{number.field: _after(number.choices, getattr(recipe, number.field))})
    if name == "optimizer":
        changed = _rated(changed, family, pictures)
    if name == "form":
        changed = replace(changed, class_pictures=CLASS_PICTURES if changed.prior is Prior.CLASS else 0)
    if name in ("epochs", "batch", "accumulation"):
        changed = replace(changed, steps=steps_of(changed, pictures))
    return replace(changed, preset=Preset.OWN)


def next_allowed(recipe: Recipe, name: str, setting: Setting) -> tuple[Recipe, tuple[str, ...]]:
    """The next choice that brings no new clash, and the clashes of those that were passed over.

    Where every other choice clashes the recipe comes back as it was. KeyError for an unknown number.
    """
    before, passed, changed = set(clashes(recipe, setting)), list[str](), recipe
    for _ in NUMBERS[name].choices:
        changed = next_choice(changed, name, setting.pictures, setting.family)
        fresh = [clash for clash in clashes(changed, setting) if clash not in before]
        if not fresh:
            break
        passed += fresh
    else:
        changed = recipe
    is_same = getattr(changed, NUMBERS[name].field) == getattr(recipe, NUMBERS[name].field)
    return (recipe if is_same else changed), tuple(dict.fromkeys(passed))


def steps_of(recipe: Recipe, pictures: int) -> int:
    """Optimizer steps that the recipe's epochs amount to."""
    return max(1, math.ceil(recipe.epochs * pictures / (recipe.batch_size * recipe.accumulation)))


def value_of(recipe: Recipe, name: str) -> Any:
    """A number as it is shown: True and False (or None) for switches, a name for target sets."""
    if name == "targets":
        return targets_name(recipe)
    value = getattr(recipe, NUMBERS[name].field)
    if name == "loraplus":
        return False if value == 1.0 else value
    return False if value is None or (value == 0 and name != "warmup") else value


def _rated(recipe: Recipe, family: Family, pictures: int) -> Recipe:
    """Optimizers that find their rate want 1 to multiply with and no warm-up; the others what the preset has."""
    if recipe.optimizer in SELF_RATED:
        return replace(recipe, learning_rate=1.0, warmup_steps=0)
    if recipe.learning_rate < 1.0:
        return recipe
    preset = nearest_preset(recipe, family, pictures)
    return replace(recipe, learning_rate=preset.learning_rate, warmup_steps=preset.warmup_steps)


def _after(choices: tuple[Any, ...], value: Any) -> Any:
    """The choice after this one; for a value between choices the next larger, and round again."""
    if value in choices:
        return choices[(choices.index(value) + 1) % len(choices)]
    if not isinstance(value, int | float):
        return choices[0]
    return next((choice for choice in choices if choice is not None and choice > value), choices[0])
