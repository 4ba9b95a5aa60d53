"""The presets of a training: every number by model, preset and kind of palette, and why it is what it is."""

from __future__ import annotations

from dataclasses import dataclass, field, fields, replace
from typing import Any

from storage.recipe import Preset, Recipe
from storage.states import PaletteKind

PRESETS = (Preset.FAST, Preset.BALANCED, Preset.THOROUGH)
WARM_UP_STEPS = 10

ATTENTION = ("to_q", "to_k", "to_v", "to_out.0")
WIDE = (*ATTENTION, "ff.net.0.proj", "ff.net.2", "proj_in", "proj_out")
# Every layer of the residual blocks and the samplers, which is kohya's LoRA-C3Lier.
RESIDUAL = ("conv1", "conv2", "conv_shortcut", "time_emb_proj", "downsamplers.0.conv", "upsamplers.0.conv")
CONV = (*WIDE, *RESIDUAL)
TARGETS = {"attention": ATTENTION, "wide": WIDE, "conv": CONV, "residual": RESIDUAL}


@dataclass(frozen=True)
class Base:
    """What a family's presets are, and what each kind of palette changes in them."""

    presets: dict[Preset, Recipe]
    kinds: dict[PaletteKind, dict[str, Any]] = field(default_factory=dict)
    styles: dict[Preset, Recipe] = field(default_factory=dict)  # a style's own presets, where it has any

    def of(self, kind: PaletteKind) -> dict[Preset, Recipe]:
        """The presets that a kind of palette begins from."""
        return self.styles if kind is PaletteKind.STYLE and self.styles else self.presets


# A character must not leak into what is said without its trigger: nothing is learned without words, and the bare
# model's answer without the trigger is held on to, which costs half a step more (performance.md A3).
CHARACTER = {"caption_dropout": 0.0, "prior_weight": 1.0}
LARGE_KINDS: dict[PaletteKind, dict[str, Any]] = {
    PaletteKind.STYLE: {"flip": True},  # a look is the same in a mirror; twice the pictures for nothing
    PaletteKind.CHARACTER: CHARACTER,
    PaletteKind.CONCEPT: {"targets": WIDE, "rank": 16, "alpha": 16},  # shapes sit in the feed-forward layers too
}
XL_KINDS = {**LARGE_KINDS, PaletteKind.CONCEPT: {}}  # wide targets at rank 16 are 85 MB there


def _large(kinds: dict[PaletteKind, dict[str, Any]], **changes: Any) -> Base:
    """A large model: SPEC.md's numbers, and steps by how long one is ready to wait."""
    recipe = replace(Recipe(targets=ATTENTION), **changes)
    presets = {
        Preset.FAST: replace(recipe, preset=Preset.FAST, steps=300, checkpoints=3),
        Preset.BALANCED: replace(recipe, preset=Preset.BALANCED, steps=600, checkpoints=4),
        Preset.THOROUGH: replace(recipe, preset=Preset.THOROUGH, steps=1000, checkpoints=5, ema_decay=0.99),
    }
    return Base(presets, kinds)


# What the embedded model knows, the plainest in its manners, too (emoji_sd/vocabulary.json; a test holds the two
# together): a style's trigger begins as the nearest of them. Characters and concepts are no looks.
EMOJI_LOOKS = (
    "glossy 3d render", "flat vector", "black and white icon", "cartoon", "vintage cartoon", "muted illustration",
    "flat sticker", "soft illustration", "outlined comic", "pixel art", "watercolor", "neon sign", "pencil sketch",
)  # fmt: skip
EMOJI_BEGINNINGS = (*EMOJI_LOOKS, "outlined flat vector", "small flat vector", "small outlined flat vector")

# Measured on one unseen look with the recipe's own judge (emoji_sd/LEARNT.md). A look is learnt by the residual
# blocks alone, as attention learns the palette's subjects along with it; min-SNR took nearly half of the gain away.
# The trigger's word stays where it began: moved along, it cost subjects.
_EMOJI_STYLE = Recipe(
    targets=RESIDUAL,
    batch_size=4,
    min_snr_gamma=None,
    debiased=True,
    rank=32,
    alpha=32,
    new_tokens=1,
    initializers=EMOJI_BEGINNINGS,
    token_learning_rate=0.0,
    flip=True,
    moved=5,
)
EMOJI_STYLES = {
    Preset.FAST: replace(_EMOJI_STYLE, preset=Preset.FAST, steps=200, learning_rate=8e-4, checkpoints=3),
    Preset.BALANCED: replace(_EMOJI_STYLE, preset=Preset.BALANCED, steps=400, learning_rate=5e-4, checkpoints=4),
    Preset.THOROUGH: replace(_EMOJI_STYLE, preset=Preset.THOROUGH, steps=800, learning_rate=3e-4, checkpoints=4),
}
_EMOJI = Recipe(targets=CONV, batch_size=4, min_snr_gamma=None, rank=16, alpha=16)
EMOJI_PRESETS = {
    Preset.FAST: replace(_EMOJI, preset=Preset.FAST, steps=120, learning_rate=2e-3, checkpoints=3),
    Preset.BALANCED: replace(_EMOJI, preset=Preset.BALANCED, steps=240, learning_rate=1.5e-3, checkpoints=4),
    Preset.THOROUGH: replace(
        _EMOJI, preset=Preset.THOROUGH, steps=480, learning_rate=1e-3, rank=32, alpha=32, checkpoints=4
    ),
}
BASES = {
    "emoji": Base(EMOJI_PRESETS, {PaletteKind.CHARACTER: {"caption_dropout": 0.0}}, EMOJI_STYLES),
    "sd1": _large(LARGE_KINDS, batch_size=2, accumulation=2),
    "sd2": _large(LARGE_KINDS, batch_size=2, accumulation=2),
    # Rank 16, because 47 MB fit into one message and rank 32 does not; batch 1 fits 12 GB.
    "sdxl": _large(XL_KINDS, batch_size=1, accumulation=4, rank=16, alpha=16),
}


def base_of(family: str) -> Base:
    """The presets of a family; one we do not know is treated as SD 1.x."""
    return BASES.get(family, BASES["sd1"])


def preset_recipe(name: Preset, family: str, pictures: int, seed: int, kind: PaletteKind = PaletteKind.STYLE) -> Recipe:
    """The recipe of a preset for a palette of this kind and size."""
    base = base_of(family)
    changes = dict(base.kinds.get(kind, {}))
    preset = base.of(kind)[name]
    if preset.preset is Preset.FAST:
        changes.pop("prior_weight", None)  # half a step more is not fast
    recipe = replace(preset, kind=kind, **changes)
    held = recipe.batch_size * recipe.accumulation
    epochs = max(1, round(recipe.steps * held / max(1, pictures)))
    return replace(recipe, epochs=epochs, warmup_steps=WARM_UP_STEPS, seed=seed)


def nearest_preset(recipe: Recipe, family: str, pictures: int) -> Recipe:
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


def reasons(recipe: Recipe, family: str) -> tuple[str, ...]:
    """Keys of the sentences that say why a preset's numbers are what they are, in the order they are read."""
    size = "emoji" if family == "emoji" else "xl" if family == "sdxl" else "large"
    learned = "emoji" if family == "emoji" else "large"
    rank = "residual" if family == "emoji" and recipe.targets == RESIDUAL else size
    weighing = "debiased" if recipe.debiased else _switch(recipe.min_snr_gamma is not None)
    return (
        f"steps.{recipe.preset}",
        f"rank.{rank}",
        "alpha",
        f"targets.{targets_name(recipe)}",
        f"rate.{learned}",
        "optimizer",
        f"batch.{size}",
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
