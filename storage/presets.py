"""The presets of a training: every number by preset and kind of palette. families.py says who begins from which."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from storage.recipe import Preset, Recipe
from storage.states import PaletteKind

PRESETS = (Preset.FAST, Preset.BALANCED, Preset.THOROUGH)

ATTENTION = ("to_q", "to_k", "to_v", "to_out.0")
WIDE = (*ATTENTION, "ff.net.0.proj", "ff.net.2", "proj_in", "proj_out")
# Every layer of the residual blocks and the samplers, which is kohya's LoRA-C3Lier.
RESIDUAL = ("conv1", "conv2", "conv_shortcut", "time_emb_proj", "downsamplers.0.conv", "upsamplers.0.conv")
CONV = (*WIDE, *RESIDUAL)
TARGETS = {"attention": ATTENTION, "wide": WIDE, "conv": CONV, "residual": RESIDUAL}


@dataclass(frozen=True)
class Presets:
    """What a family's presets are, and what each kind of palette changes in them."""

    recipes: Mapping[Preset, Recipe]
    kinds: Mapping[PaletteKind, Mapping[str, Any]] = field(default_factory=dict)
    styles: Mapping[Preset, Recipe] = field(default_factory=dict)  # a style's own, where it has any

    def of(self, kind: PaletteKind) -> Mapping[Preset, Recipe]:
        """The presets that a kind of palette begins from."""
        return self.styles if kind is PaletteKind.STYLE and self.styles else self.recipes


# A character must not leak into what is said without its trigger: nothing is learned without words, and the bare
# model's answer without the trigger is held on to, which costs half a step more.
CHARACTER = {"caption_dropout": 0.0, "prior_weight": 1.0}
LARGE_KINDS: dict[PaletteKind, dict[str, Any]] = {
    PaletteKind.STYLE: {"flip": True},  # a look is the same in a mirror; twice the pictures for nothing
    PaletteKind.CHARACTER: CHARACTER,
    PaletteKind.CONCEPT: {"targets": WIDE, "rank": 16, "alpha": 16},  # shapes sit in the feed-forward layers too
}
XL_KINDS = {**LARGE_KINDS, PaletteKind.CONCEPT: {}}  # wide targets at rank 16 are 85 MB there


def large(kinds: Mapping[PaletteKind, Mapping[str, Any]], **changes: Any) -> Presets:
    """A large model: the numbers of the field, and steps by how long one is ready to wait."""
    recipe = replace(Recipe(targets=ATTENTION), **changes)
    recipes = {
        Preset.FAST: replace(recipe, preset=Preset.FAST, steps=300, checkpoints=3),
        Preset.BALANCED: replace(recipe, preset=Preset.BALANCED, steps=600, checkpoints=4),
        Preset.THOROUGH: replace(recipe, preset=Preset.THOROUGH, steps=1000, checkpoints=5, ema_decay=0.99),
    }
    return Presets(recipes, kinds)


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
_EMOJI_STYLES = {
    Preset.FAST: replace(_EMOJI_STYLE, preset=Preset.FAST, steps=200, learning_rate=8e-4, checkpoints=3),
    Preset.BALANCED: replace(_EMOJI_STYLE, preset=Preset.BALANCED, steps=400, learning_rate=5e-4, checkpoints=4),
    Preset.THOROUGH: replace(_EMOJI_STYLE, preset=Preset.THOROUGH, steps=800, learning_rate=3e-4, checkpoints=4),
}
_EMOJI = Recipe(targets=CONV, batch_size=4, min_snr_gamma=None, rank=16, alpha=16)
_EMOJI_PRESETS = {
    Preset.FAST: replace(_EMOJI, preset=Preset.FAST, steps=120, learning_rate=2e-3, checkpoints=3),
    Preset.BALANCED: replace(_EMOJI, preset=Preset.BALANCED, steps=240, learning_rate=1.5e-3, checkpoints=4),
    Preset.THOROUGH: replace(
        _EMOJI, preset=Preset.THOROUGH, steps=480, learning_rate=1e-3, rank=32, alpha=32, checkpoints=4
    ),
}
EMOJI = Presets(_EMOJI_PRESETS, {PaletteKind.CHARACTER: {"caption_dropout": 0.0}}, _EMOJI_STYLES)
