"""What cannot go together in a training, each with its reason's key; asked before a choice and before the start."""

from __future__ import annotations

from dataclasses import dataclass

from storage.families import FAMILIES, Family
from storage.limits import MOST_PICTURES, MOST_STEPS, beyond
from storage.recipe import SELF_RATED, Optimizer, Prior, Recipe
from storage.records import MachineFacts

FEWEST_STEPS_BETWEEN = 5  # of two checkpoints, for a difference that can be seen


@dataclass(frozen=True)
class Setting:
    """What a recipe is for: how many pictures, and on what machine."""

    pictures: int
    family: Family = Family.EMOJI
    device: str = "cpu"  # as the engine said: cpu …, cuda …, mps …
    memory_mode: str = "cpu"

    @classmethod
    def of(cls, pictures: int, family: Family, facts: MachineFacts | None) -> Setting:
        """On this machine; before an engine was ever here, on a CPU."""
        return cls(pictures, family, facts.device, facts.memory_mode) if facts else cls(pictures, family)


def clashes(recipe: Recipe, setting: Setting) -> tuple[str, ...]:
    """Keys of why these numbers cannot go together; empty when they can."""
    return tuple(name for name, is_broken in rules_of(recipe, setting).items() if is_broken)


def said_of(recipe: Recipe, pictures: int) -> dict[str, int]:
    """What the sentence of a clash may name."""
    return {"pictures": pictures, "steps": recipe.steps, "most_pictures": MOST_PICTURES, "most_steps": MOST_STEPS}


def rules_of(recipe: Recipe, setting: Setting) -> dict[str, bool]:
    """Every reason that there is, and whether it holds."""
    return {
        "pictures": setting.pictures > MOST_PICTURES,
        "number_too_large": bool(beyond(recipe)),
        "batch": recipe.batch_size * recipe.accumulation > max(1, setting.pictures),  # a picture twice in one step
        "checkpoints": recipe.checkpoints * FEWEST_STEPS_BETWEEN > recipe.steps,
        "warmup": recipe.warmup_steps * 2 > recipe.steps,
        # With zero terminal SNR the look is decided where min-SNR weighs nothing.
        "snr": recipe.min_snr_gamma is not None and FAMILIES[setting.family].zero_terminal_snr,
        "debiased": recipe.debiased and recipe.min_snr_gamma is not None,  # two weightings by SNR multiply
        **_of_weights(recipe, setting),
        **_of_optimizer(recipe, setting),
        **_of_words(recipe),
        **_of_prior(recipe),
    }


def _of_weights(recipe: Recipe, setting: Setting) -> dict[str, bool]:
    is_pushed = recipe.learning_rate >= 5e-4 and recipe.rank >= 32 and recipe.optimizer not in SELF_RATED
    return {
        "rslora": recipe.use_rslora and is_pushed,  # alpha/sqrt(rank): five times the push at rank 32
        # Its magnitudes are norms of the base's weights, which sequential offload keeps off the device.
        "dora_offload": recipe.use_dora and setting.memory_mode == "sequential-offload",
    }


def _of_optimizer(recipe: Recipe, setting: Setting) -> dict[str, bool]:
    is_self_rated = recipe.optimizer in SELF_RATED
    return {
        "loraplus": is_self_rated and recipe.loraplus_ratio != 1.0,  # one estimate of the rate for all groups
        "eight_bit": recipe.optimizer is Optimizer.ADAMW_8BIT and not setting.device.startswith("cuda"),
        "self_warmed": is_self_rated and recipe.warmup_steps > 0,  # small first steps starve the estimate
        "self_rated": is_self_rated != (recipe.learning_rate == 1.0),
        "ema": recipe.ema_decay > 0 and recipe.steps * (1 - recipe.ema_decay) < 1,  # it would remember the start
    }


def _of_words(recipe: Recipe) -> dict[str, bool]:
    lora_options = recipe.use_dora or recipe.use_rslora or recipe.loraplus_ratio != 1.0
    return {
        "learns_nothing": not recipe.lora and recipe.new_tokens == 0,
        "learns_words": not recipe.lora and (lora_options or recipe.text_encoder_learning_rate > 0),
    }


def _of_prior(recipe: Recipe) -> dict[str, bool]:
    is_class = recipe.prior is Prior.CLASS
    return {
        "prior_words": recipe.prior_weight > 0 and not recipe.lora,  # the network is the bare model itself
        "prior_class": recipe.prior_weight > 0 and is_class and recipe.class_pictures == 0,
        "prior_pictures": recipe.class_pictures > 0 and not is_class,
    }
