"""Files to take home: LoRA in two forms, a word's embeddings, the dataset, the card."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator

from engine.events import Event, Finished, Made, Stepped, Task
from engine.exports.about import About, about_seal
from engine.exports.dataset_zip import dataset_zip
from engine.exports.lora_file import diffusers_file, kohya_file
from engine.exports.model_card import card_zip
from engine.exports.recipe_file import RecipeFile, made_with
from engine.exports.word_file import word_file
from engine.models.adapters import read_word
from engine.models.machine import Machine
from storage.errors import UnknownRequest
from storage.records import ContentHash, Progress
from storage.requests import TakeAnswer, TakeRequest
from storage.states import ExportKind, Phase


def run(request: TakeRequest, machine: Machine, task: Task) -> Iterator[Event]:
    """One file, then where it is."""
    yield Stepped(progress=Progress(done=0, total=1, phase=Phase.WRITING))
    data, ending = make(request, machine, task)
    suffix = "." + ending.rpartition(".")[2]
    yield Made(data=data, suffix=suffix)
    file = ContentHash(hashlib.sha256(data).hexdigest())
    yield Finished(answer=TakeAnswer(file=file, filename=plain_name(request) + ending, size_bytes=len(data)))


def make(request: TakeRequest, machine: Machine, task: Task) -> tuple[bytes, str]:
    """(bytes, ending of the file's name). Raises UnknownRequest."""
    if request.what == ExportKind.DATASET:
        return dataset_zip(request.pictures, task.read), "-dataset.zip"
    if request.what == ExportKind.CARD:
        return card_zip(request, recipe_of(request, machine), task.read), "-card.zip"
    if request.adapter is None or request.what not in FILES:
        raise UnknownRequest(what=request.what)
    write, ending = FILES[request.what]
    adapter = task.read(request.adapter)
    if request.what == ExportKind.EMBEDDINGS and read_word(adapter) is None:
        raise UnknownRequest(what=request.what)
    return write(adapter, about(request, machine)), ending


FILES: dict[ExportKind, tuple[Callable[[bytes, About], bytes], str]] = {
    ExportKind.LORA_KOHYA: (kohya_file, ".safetensors"),
    ExportKind.LORA_DIFFUSERS: (diffusers_file, "-diffusers.safetensors"),
    ExportKind.EMBEDDINGS: (word_file, "-embeddings.safetensors"),
}


def about(request: TakeRequest, machine: Machine) -> About:
    """What its files say of a seal."""
    return about_seal(
        machine,
        request.recipe,
        name=plain_name(request),
        trigger=request.trigger,
        pictures=len(request.pictures),
        step=request.step or None,
    )


def recipe_of(request: TakeRequest, machine: Machine) -> RecipeFile:
    """What makes this seal again."""
    return RecipeFile(
        name=plain_name(request),
        trigger=request.trigger,
        model=machine.name,
        model_sha256=machine.weights_sha256,
        checkpoint_step=request.step or request.recipe.steps,
        recipe=request.recipe,
        captions=tuple(picture.caption for picture in request.pictures),
        subjects=tuple(picture.subject for picture in request.pictures),
        pictures=tuple(picture.file for picture in request.pictures),
        adapter=request.adapter,
        made_with=made_with(machine),
    )


def plain_name(request: TakeRequest) -> str:
    """A name without spaces or paths: the seal's, with its trigger."""
    name = re.sub(r"[^a-z0-9]+", "-", request.name.lower()).strip("-")[:32]
    return name if request.trigger in name.split("-") else "-".join(part for part in (name, request.trigger) if part)
