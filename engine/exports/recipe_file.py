"""The recipe as a file: everything but the pictures that `python -m engine reproduce` needs to make a seal again."""

from __future__ import annotations

import json
import zipfile
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path

import torch
from pydantic import ValidationError

from engine.models.machine import Machine
from storage.documents import dump, load
from storage.errors import FileDamaged
from storage.recipe import Recipe
from storage.records import ContentHash

FILENAME = "recipe.json"
THREADS = "threads"
PACKAGES = ("torch", "diffusers", "transformers", "peft")  # whose arithmetic the bytes depend on


@dataclass(frozen=True, kw_only=True)
class RecipeFile:
    """A seal's making. `pictures` are the sha256 of the palette's files in training order, `adapter` of what came out.

    `model` is a name; where it lies on somebody's machine is nobody's business.
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
    """A recipe.json, or the one in a card's zip. Raises FileDamaged for anything else."""
    try:
        if zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as archive:
                return load(RecipeFile, archive.read(FILENAME))
        return load(RecipeFile, path.read_bytes())
    except (ValidationError, KeyError) as error:
        raise FileDamaged from error
