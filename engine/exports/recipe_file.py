"""The recipe as a file: everything but the pictures that `python -m engine reproduce` needs to make a seal again."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from importlib.metadata import version
from math import isfinite
from pathlib import Path

import torch
from pydantic import ValidationError

from engine.exports.recipe_reading import read_document
from engine.models.machine import Machine
from storage.documents import dump, load
from storage.errors import FileRefused
from storage.recipe import Recipe
from storage.records import ContentHash

THREADS = "threads"
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")  # as `plain_name` makes them, and older ones
PATTERN = re.compile(r"[\w.|^$\\]{1,200}")  # module names; without repetition nothing takes exponential time
LONGEST_TRIGGER = 64
MOST = {
    **{"rank": 1024, "alpha": 4096, "steps": 100_000, "epochs": 1_000_000, "warmup_steps": 100_000},
    **{"batch_size": 64, "accumulation": 256, "checkpoints": 1000, "crops": 16, "buckets": 64, "moved": 32},
    **{"class_pictures": 1000, "new_tokens": 64},
}  # above everything the product offers, below what fills a machine
PACKAGES = ("torch", "diffusers", "transformers", "peft")  # whose arithmetic the bytes depend on


@dataclass(frozen=True, kw_only=True)
class RecipeFile:
    """A seal's making. `pictures` are the sha256 of the palette's files in training order, `adapter` of what came out.

    `model` is a name, with its revision where one was pinned; where it lies on somebody's machine is nobody's business.
    """

    format: int = 1
    name: str
    trigger: str
    model: str
    model_sha256: str = ""
    checkpoint_step: int
    recipe: Recipe
    captions: tuple[str, ...]
    subjects: tuple[str, ...] = ()
    pictures: tuple[ContentHash, ...] = ()
    adapter: ContentHash | None = None
    made_with: dict[str, str] = field(default_factory=dict)

    def as_json(self) -> bytes:
        """For people to read and for `read_recipe`."""
        return json.dumps(json.loads(dump(self)), ensure_ascii=False, indent=1).encode()


def made_with(machine: Machine) -> dict[str, str]:
    """What the bytes depend on besides the recipe."""
    facts = {package: version(package) for package in PACKAGES}
    return {**facts, "device": machine.device.type, THREADS: str(torch.get_num_threads())}


def read_recipe(path: Path) -> RecipeFile:
    """A recipe.json, or the one in a card's zip, whoever wrote it. Raises FileRefused, with the `reason`."""
    try:
        found = load(RecipeFile, read_document(path))
    except ValidationError as error:
        where = ".".join(map(str, error.errors(include_input=False, include_url=False)[0]["loc"]))
        raise FileRefused(file=path.name, reason=f"{where} is missing, or not what a recipe says there") from error
    for place, well in _claims(found):
        if not well:
            raise FileRefused(file=path.name, reason=f"{place} is beyond what a recipe says")
    return found


def _claims(found: RecipeFile) -> Iterator[tuple[str, bool]]:
    """(place, whether what stands there can be meant) of all that a shape alone does not hold."""
    recipe = found.recipe
    yield "name", NAME.fullmatch(found.name) is not None  # it names files
    yield "trigger", 0 < len(found.trigger) <= LONGEST_TRIGGER
    yield "format", found.format == 1
    yield "captions", len(found.captions) > 0 and len(found.subjects) in (0, len(found.captions))
    yield "made_with.threads", found.made_with.get(THREADS, "1") in {str(number) for number in range(1, 1025)}
    yield "recipe.seed", 0 <= recipe.seed < 2**63
    yield "checkpoint_step", 1 <= found.checkpoint_step <= recipe.steps
    for name, most in MOST.items():
        yield f"recipe.{name}", 0 <= getattr(recipe, name) <= most
    for name, value in vars(recipe).items():
        if isinstance(value, float):
            yield f"recipe.{name}", isfinite(value) and abs(value) < 1e6
    for patterns in (recipe.rank_pattern, recipe.alpha_pattern):
        plain = all(PATTERN.fullmatch(name) and 0 < value <= MOST["alpha"] for name, value in patterns.items())
        yield "recipe's patterns", plain
