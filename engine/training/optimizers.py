"""Optimizers by name, their learning rate over time, and their state as tensors."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import torch

from storage.errors import RecipeRefused
from storage.records import Recipe


def _adamw(parameters: Sequence[torch.nn.Parameter], recipe: Recipe) -> torch.optim.Optimizer:
    return torch.optim.AdamW(parameters, lr=recipe.learning_rate, weight_decay=recipe.weight_decay)


OPTIMIZERS: dict[str, Callable[[Sequence[torch.nn.Parameter], Recipe], torch.optim.Optimizer]] = {"adamw": _adamw}


def make_optimizer(parameters: Sequence[torch.nn.Parameter], recipe: Recipe) -> torch.optim.Optimizer:
    """The recipe's optimizer. Raises RecipeRefused for one that is not known."""
    if recipe.optimizer not in OPTIMIZERS:
        raise RecipeRefused(optimizer=recipe.optimizer)
    return OPTIMIZERS[recipe.optimizer](parameters, recipe)


def learning_rate_at(recipe: Recipe, step: int) -> float:
    """The rate of optimizer step `step` (from 1): linear warm-up, then constant or a half cosine to a tenth."""
    if step <= recipe.warmup_steps:
        return recipe.learning_rate * step / recipe.warmup_steps
    if recipe.schedule == "constant":
        return recipe.learning_rate
    share = (step - recipe.warmup_steps) / max(1, recipe.steps - recipe.warmup_steps)
    return recipe.learning_rate * (0.1 + 0.9 * 0.5 * (1 + math.cos(math.pi * min(1.0, share))))
