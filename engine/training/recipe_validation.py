"""What cannot go together in a recipe, said before step one. A reason's key is what the bot puts into words.

bot.rules.clashes asks the same of what a person is about to choose; here is who has the last word."""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec

from engine.models.hardware import MemoryMode
from engine.models.machine import Machine
from storage.errors import RecipeRefused
from storage.limits import beyond
from storage.recipe import SELF_RATED, Loss, Optimizer, Prior, Recipe

AT_LEAST_ONE = ("rank", "alpha", "batch_size", "accumulation", "steps", "crops", "buckets")

Test = Callable[[Recipe, Machine], bool]

REASONS: dict[str, Test] = {
    "number_too_small": lambda recipe, _: recipe.moved < 0 or any(getattr(recipe, name) < 1 for name in AT_LEAST_ONE),
    "number_too_large": lambda recipe, _: bool(beyond(recipe)),
    "rate_not_positive": lambda recipe, _: recipe.learning_rate <= 0 or recipe.loraplus_ratio <= 0,
    "loss_without_width": lambda recipe, _: recipe.loss is not Loss.MSE and recipe.huber_delta <= 0,
    "average_never_moves": lambda recipe, _: not 0 <= recipe.ema_decay < 1,
    # its 8-bit states are CUDA kernels
    "eight_bit": lambda recipe, machine: recipe.optimizer is Optimizer.ADAMW_8BIT and machine.device.type != "cuda",
    "eight_bit_not_installed": lambda recipe, _: (
        recipe.optimizer is Optimizer.ADAMW_8BIT and find_spec("bitsandbytes") is None
    ),
    # both know one rate for everything and find it themselves
    "loraplus": lambda recipe, _: recipe.loraplus_ratio != 1 and recipe.optimizer in SELF_RATED,
    # two answers to the same question: how much a timestep weighs
    "debiased": lambda recipe, _: recipe.debiased and recipe.min_snr_gamma is not None,
    "learns_nothing": lambda recipe, _: not recipe.lora and recipe.new_tokens < 1,
    "learns_words": lambda recipe, _: not recipe.lora and _has_lora_options(recipe),
    # without an adapter the U-Net is the bare model itself
    "prior_words": lambda recipe, _: not recipe.lora and recipe.prior_weight > 0,
    # DoRA's magnitudes are norms of the base's weights, which sequential offload keeps off the device
    "dora_offload": lambda recipe, machine: recipe.use_dora and machine.memory_mode is MemoryMode.SEQUENTIAL,
    "prior_class_prompt": lambda recipe, _: _by_class(recipe) and not recipe.class_prompt.strip(),
    "prior_class": lambda recipe, _: _by_class(recipe) and recipe.class_pictures < 1,
    "no_such_target": lambda recipe, machine: recipe.lora and not _has_targets(recipe, machine),
}


def validate(recipe: Recipe, machine: Machine) -> None:
    """Raises RecipeRefused with the first reason that holds."""
    for reason, holds in REASONS.items():
        if holds(recipe, machine):
            raise RecipeRefused(reason=reason)


def _has_lora_options(recipe: Recipe) -> bool:
    pushed = recipe.use_dora or recipe.use_rslora or recipe.loraplus_ratio != 1
    return pushed or recipe.text_encoder_learning_rate > 0


def _by_class(recipe: Recipe) -> bool:
    return recipe.prior_weight > 0 and recipe.prior is Prior.CLASS


def _has_targets(recipe: Recipe, machine: Machine) -> bool:
    """Whether every target names at least one module of the U-Net, with or without adapters on it."""
    names = [name for name, _ in machine.unet.named_modules()]
    return bool(recipe.targets) and all(
        any(name == target or name.endswith(f".{target}") for name in names) for target in recipe.targets
    )
