"""A person's recipe: how it begins from a preset, how far it is from one, and why its numbers are what they are."""

from __future__ import annotations

from dataclasses import fields, replace

from storage.families import FAMILIES, Family
from storage.presets import RESIDUAL, TARGETS
from storage.recipe import Preset, Recipe
from storage.states import PaletteKind

WARM_UP_STEPS = 10


def preset_recipe(
    name: Preset, family: Family, pictures: int, seed: int, kind: PaletteKind = PaletteKind.STYLE
) -> Recipe:
    """The recipe of a preset for a palette of this kind and size."""
    presets = FAMILIES[family].presets
    changes = dict(presets.kinds.get(kind, {}))
    preset = presets.of(kind)[name]
    if preset.preset is Preset.FAST:
        changes.pop("prior_weight", None)  # half a step more is not fast
    recipe = replace(preset, kind=kind, **changes)
    held = recipe.batch_size * recipe.accumulation
    epochs = max(1, round(recipe.steps * held / max(1, pictures)))
    return replace(recipe, epochs=epochs, warmup_steps=WARM_UP_STEPS, seed=seed)


def nearest_preset(recipe: Recipe, family: Family, pictures: int) -> Recipe:
    """The preset that a person's own numbers began from: the one with the fewest differences."""
    offered = [
        preset_recipe(name, family, pictures, recipe.seed, recipe.kind)
        for name in (Preset.BALANCED, Preset.FAST, Preset.THOROUGH)
    ]
    return min(offered, key=lambda preset: len(differences(recipe, preset)))


def differences(recipe: Recipe, other: Recipe) -> frozenset[str]:
    """Fields in which two recipes differ, but for the preset's name."""
    named = {one.name for one in fields(Recipe)} - {"preset"}
    return frozenset(name for name in named if getattr(recipe, name) != getattr(other, name))


def targets_name(recipe: Recipe) -> str:
    """attention | wide | conv; the widest for a set of somebody's own."""
    return next((name for name, targets in TARGETS.items() if targets == recipe.targets), "conv")


def reasons(recipe: Recipe, family: Family) -> tuple[str, ...]:
    """Keys of the sentences that say why a preset's numbers are what they are, in the order they are read."""
    row = FAMILIES[family]
    rank = "residual" if recipe.targets == RESIDUAL else row.why
    weighing = "debiased" if recipe.debiased else _switch(recipe.min_snr_gamma is not None)
    return (
        f"steps.{recipe.preset}",
        f"rank.{rank}",
        "alpha",
        f"targets.{targets_name(recipe)}",
        f"rate.{row.why_rate}",
        "optimizer",
        f"batch.{row.why}",
        "loss",
        f"snr.{weighing}",
        "timesteps",
        f"dropout.{_switch(recipe.caption_dropout > 0)}",
        f"flip.{_switch(recipe.flip)}",
        *(("moved",) if recipe.moved else ()),
        f"prior.{_switch(recipe.prior_weight > 0)}",
        f"ema.{_switch(recipe.ema_decay > 0)}",
        f"word.{_switch(bool(recipe.initializers))}",
        "checkpoints",
    )


def _switch(is_on: bool) -> str:
    return "on" if is_on else "off"
