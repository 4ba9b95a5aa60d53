"""Trains a seal again from its recipe file and dataset (`python -m engine reproduce`), and says whether it is the same.

On the CPU, with the same packages and as many threads, the same bytes come out; a GPU adds in an order of its own.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import torch

from engine.exports.about import about_seal
from engine.exports.dataset_reading import read_dataset
from engine.exports.embedding_file import embedding_file, embedding_name
from engine.exports.lora_file import diffusers_file, kohya_file
from engine.exports.recipe_file import THREADS, RecipeFile, made_with, read_recipe
from engine.models.adapters.file import read
from engine.models.loading import load_model
from engine.models.machine import Machine
from engine.training import dry_run
from engine.training.dataset import Dataset, prepare
from engine.training.loop import Loop
from engine.training.recipe_validation import validate
from engine.training.text_side import text_side
from storage.errors import FileMissing, FileRefused
from storage.records import ContentHash
from storage.requests import TrainingPicture

NAME = "reproduced"

Tell = Callable[[str], None]


@dataclass(frozen=True)
class Reproduced:
    """What came out. `same` is None where the recipe does not say what should have."""

    adapter: ContentHash
    same: bool | None
    differences: tuple[str, ...]  # of model, packages and pictures from the recipe's
    files: tuple[Path, ...]


def reproduce(recipe: Path, pictures: Path | None, out: Path, device: str, tell: Tell) -> Reproduced:
    """Trains up to the recipe's checkpoint and writes its files into `out`; `tell` hears one line a step.

    Raises FileRefused, FileMissing, ModelMissing, RecipeRefused and LossNotFinite.
    """
    asked = read_recipe(recipe)
    shown, files = open_pictures(asked, pictures or dataset_beside(recipe))
    machine = load_model(asked.model, device=device)
    validate(asked.recipe, machine)
    if threads := asked.made_with.get(THREADS):
        torch.set_num_threads(int(threads))  # sums are cut into as many parts
    tell("encoding the palette")
    dataset = prepare(machine, shown, files.__getitem__, asked.recipe, asked.trigger)
    data = trained(machine, dataset, asked, tell)
    found = ContentHash(hashlib.sha256(data).hexdigest())
    return Reproduced(
        adapter=found,
        same=None if asked.adapter is None else found == asked.adapter,
        differences=tuple(differences(asked, machine, shown)),
        files=tuple(written(data, asked, machine, out)),
    )


def trained(machine: Machine, dataset: Dataset, asked: RecipeFile, tell: Tell) -> bytes:
    """The adapter at the recipe's checkpoint, by the loop that trains people's seals."""
    try:
        text = text_side(machine, dataset, asked.recipe, NAME, asked.trigger)
        with closing(Loop(machine, dataset, asked.recipe, NAME, text)) as loop:
            dry_run.attempt(loop)
            while loop.step < asked.checkpoint_step:
                losses = [point.loss for point in loop.run_step() if point is not None]
                loss = f", loss {losses[-1]:.4f}" if losses else ""
                tell(f"step {loop.step} of {asked.checkpoint_step}{loss}")
            loop.read()  # raises for a loss that nobody has looked at
            return machine.bank.save(NAME)
    finally:
        machine.bank.drop(NAME)


def written(data: bytes, asked: RecipeFile, machine: Machine, out: Path) -> Iterator[Path]:
    """The adapter itself and the files that people export."""
    about = about_seal(
        machine,
        asked.recipe,
        name=asked.name,
        trigger=asked.trigger,
        pictures=len(asked.captions),
        step=asked.checkpoint_step,
    )
    made = {f"{asked.name}-adapter": data}
    if asked.recipe.lora:
        made[asked.name] = kohya_file(data, about, machine.bank.weight_of)
        made[f"{asked.name}-diffusers"] = diffusers_file(data, about)
    if read(data).tokens:
        made[embedding_name(asked.trigger)] = embedding_file(data, about)
    out.mkdir(parents=True, exist_ok=True)
    for name, content in made.items():
        path = out / f"{name}.safetensors"
        path.write_bytes(content)
        yield path


def open_pictures(asked: RecipeFile, path: Path) -> tuple[list[TrainingPicture], dict[ContentHash, bytes]]:
    """The pictures of an exported dataset in its order, under the recipe's captions. Raises FileRefused."""
    found = [data for _, data in read_dataset(path)]
    if len(found) != len(asked.captions):
        raise FileRefused(
            file=path.name, reason=f"it has {len(found)} pictures, the recipe was made with {len(asked.captions)}"
        )
    names = [ContentHash(hashlib.sha256(data).hexdigest()) for data in found]
    subjects = asked.subjects or ("",) * len(found)
    shown = [
        TrainingPicture(file=name, caption=caption, subject=subject)
        for name, caption, subject in zip(names, asked.captions, subjects, strict=True)
    ]
    return shown, dict(zip(names, found, strict=True))


def dataset_beside(recipe: Path) -> Path:
    """The one dataset zip that lies beside the recipe. Raises FileMissing."""
    found = sorted(recipe.parent.glob("*-dataset.zip"))
    if len(found) != 1:
        raise FileMissing(wanted="*-dataset.zip", found=len(found))
    return found[0]


def differences(asked: RecipeFile, machine: Machine, shown: list[TrainingPicture]) -> Iterator[str]:
    """What is not as the recipe says, one sentence each."""
    if asked.model_sha256 and asked.model_sha256 != machine.weights_sha256:
        yield f"the model {asked.model} has other weights"
    if asked.pictures and asked.pictures != tuple(picture.file for picture in shown):
        yield "the pictures are not the recipe's"
    for part, own in made_with(machine).items():
        if (theirs := asked.made_with.get(part, own)) != own:
            yield f"{part} is {own}, the recipe was made with {theirs}"


def say(found: Reproduced) -> str:
    """The outcome in a few lines."""
    verdict = {
        None: "the recipe does not say what should come out",
        True: "the same bytes as the seal",
        False: "other bytes than the seal",
    }
    lines = [f"adapter {found.adapter[:16]}…: {verdict[found.same]}", *found.differences]
    return "\n".join([*lines, *(f"wrote {path}" for path in found.files)])
