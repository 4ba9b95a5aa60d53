"""How far a person may go: one table of upper ends. The screen asks it before a choice, the engine before step one."""

from __future__ import annotations

from collections.abc import Mapping

from storage.recipe import Recipe

MOST_PICTURES = 200  # of a palette; beyond 50 a LoRA of these sizes only begins to memorise
MOST_STEPS = 8_000  # ten times the longest preset: a night on a card, days without one

MOST: Mapping[str, int] = {
    "steps": MOST_STEPS,
    "epochs": 4_000,  # a fast preset on a single picture comes to 1,200
    "rank": 128,  # four times what the richest preset takes
    "alpha": 128,
    "batch_size": 16,
    "accumulation": 16,
    "checkpoints": 10,  # each is a file, an album of samples and a column of the sheet
    "crops": 8,
    "buckets": 8,
    "moved": 16,
    "class_pictures": 200,
    "new_tokens": 16,
}
"""The largest value of each number of a recipe."""


def beyond(recipe: Recipe) -> tuple[str, ...]:
    """The fields of a recipe that lie above their upper end."""
    large = [name for name, most in MOST.items() if getattr(recipe, name) > most]
    ranks = (*recipe.rank_pattern.values(), *recipe.alpha_pattern.values())
    return (*large, *(("rank_pattern",) if any(rank > MOST["rank"] for rank in ranks) else ()))
