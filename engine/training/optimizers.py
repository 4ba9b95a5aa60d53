"""Optimizers by name, the groups they work on, and their learning rate over time."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass
from io import StringIO
from typing import Any

import torch

from storage.recipe import SELF_RATED, Optimizer, Recipe, Schedule

FIRST_D = 1e-5  # of an estimated rate; the authors' 1e-6 costs ten more steps of a training that has a few hundred
MOST_GROWTH = 1.3  # of D-Adaptation's estimate a step: without it d runs to 0.2 on a palette of four
RESTARTS = 3  # cycles of the schedule with restarts in a training
FLOOR = 0.1  # of the rate, where a schedule ends: a last step that still learns a little


@dataclass(frozen=True)
class Group:
    """Parameters that learn at the same rate."""

    parameters: list[torch.nn.Parameter]
    learning_rate: float


def adapter_groups(named: Mapping[str, torch.nn.Parameter], recipe: Recipe) -> list[Group]:
    """The adapter's tensors; under LoRA+ (Hayou et al. 2024, arXiv 2402.12354) B learns `loraplus_ratio` times faster.

    B starts at zero and A does not, so in wide networks one rate for both learns features too slowly.
    """
    rate = recipe.learning_rate
    if recipe.loraplus_ratio == 1.0:
        return [Group(list(named.values()), rate)] if named else []
    up = [value for name, value in named.items() if ".lora_B." in name]
    rest = [value for name, value in named.items() if ".lora_B." not in name]
    return [Group(rest, rate), Group(up, rate * recipe.loraplus_ratio)]


def _adamw(groups: list[dict[str, Any]], recipe: Recipe) -> torch.optim.Optimizer:
    return torch.optim.AdamW(groups, weight_decay=recipe.weight_decay, fused=True)


def _adamw8bit(groups: list[dict[str, Any]], recipe: Recipe) -> torch.optim.Optimizer:
    from bitsandbytes.optim import AdamW8bit  # only where there is CUDA, see recipe_validation

    optimizer: torch.optim.Optimizer = AdamW8bit(groups, weight_decay=recipe.weight_decay)
    return optimizer


def _prodigy(groups: list[dict[str, Any]], recipe: Recipe) -> torch.optim.Optimizer:
    """Mishchenko & Defazio 2023, arXiv 2306.06101.

    Without bias correction, whose first steps are a third as large: over ten of them d grows by nothing.
    """
    from prodigyopt import Prodigy

    optimizer: torch.optim.Optimizer = Prodigy(groups, weight_decay=recipe.weight_decay, d0=FIRST_D)
    return optimizer


def _dadaptation(groups: list[dict[str, Any]], recipe: Recipe) -> torch.optim.Optimizer:
    """Defazio & Mishchenko 2023, arXiv 2301.07733, in its Adam form."""
    from dadaptation import DAdaptAdam

    optimizer: torch.optim.Optimizer = DAdaptAdam(
        groups, weight_decay=recipe.weight_decay, decouple=True, d0=FIRST_D, growth_rate=MOST_GROWTH
    )
    return optimizer


OPTIMIZERS: dict[Optimizer, Callable[[list[dict[str, Any]], Recipe], torch.optim.Optimizer]] = {
    Optimizer.ADAMW: _adamw,
    Optimizer.ADAMW_8BIT: _adamw8bit,
    Optimizer.PRODIGY: _prodigy,
    Optimizer.DADAPTATION: _dadaptation,
}


def make_optimizer(groups: Sequence[Group], recipe: Recipe) -> torch.optim.Optimizer:
    """The recipe's optimizer."""
    own = recipe.optimizer in SELF_RATED
    rates = [1.0 if own else group.learning_rate for group in groups]
    settings = [
        {"params": group.parameters, "lr": rate, "peak_rate": rate} for group, rate in zip(groups, rates, strict=True)
    ]
    with redirect_stdout(StringIO()):  # two of them print that their weight decay is decoupled
        return OPTIMIZERS[recipe.optimizer](settings, recipe)


def set_rate(optimizer: torch.optim.Optimizer, recipe: Recipe, step: int) -> None:
    """Every group's rate for optimizer step `step` (from 1)."""
    for group in optimizer.param_groups:
        group["lr"] = group["peak_rate"] * rate_share(recipe, step)


def _cosine(share: float) -> float:
    return FLOOR + (1 - FLOOR) * 0.5 * (1 + math.cos(math.pi * share))


SCHEDULES: dict[Schedule, Callable[[float], float]] = {
    Schedule.CONSTANT: lambda _share: 1.0,
    Schedule.COSINE: _cosine,
    Schedule.LINEAR: lambda share: 1 - (1 - FLOOR) * share,
    Schedule.COSINE_RESTARTS: lambda share: _cosine(share * RESTARTS % 1 if share < 1 else 1),
}


def rate_share(recipe: Recipe, step: int) -> float:
    """The share of the full rate at step `step` (from 1): a linear warm-up, then the schedule down to a tenth.

    An estimated rate has its own warm-up: d grows with the distance walked, which small first steps would starve.
    """
    warmup = 0 if recipe.optimizer in SELF_RATED else recipe.warmup_steps
    if step <= warmup:
        return step / warmup
    done = (step - warmup) / max(1, recipe.steps - warmup)
    return SCHEDULES[recipe.schedule](min(1.0, done))
