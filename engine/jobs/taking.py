"""Files to take home: LoRA in two forms, the dataset, the card."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator

from engine.events import Event, Finished, Made, Stepped, Task
from engine.exports.dataset_zip import dataset_zip
from engine.exports.lora_file import About, diffusers_file, kohya_file
from engine.exports.model_card import card_zip
from engine.models.machine import Machine
from storage.errors import UnknownRequest
from storage.records import ContentHash, Progress
from storage.requests import TakeAnswer, TakeRequest


def run(request: TakeRequest, machine: Machine, task: Task) -> Iterator[Event]:
    """One file, then where it is."""
    yield Stepped(progress=Progress(done=0, total=1, phase="writing"))
    data, ending = make(request, machine, task)
    suffix = "." + ending.rpartition(".")[2]
    yield Made(data=data, suffix=suffix)
    file = ContentHash(hashlib.sha256(data).hexdigest())
    yield Finished(answer=TakeAnswer(file=file, filename=plain_name(request) + ending, size_bytes=len(data)))


def make(request: TakeRequest, machine: Machine, task: Task) -> tuple[bytes, str]:
    """(bytes, ending of the file's name). Raises UnknownRequest."""
    if request.what == "dataset":
        return dataset_zip(request.pictures, task.read), "-dataset.zip"
    if request.what == "card":
        return card_zip(request, machine.name, task.read), "-card.zip"
    if request.adapter is None or request.what not in ("lora-kohya", "lora-diffusers"):
        raise UnknownRequest(what=request.what)
    write = kohya_file if request.what == "lora-kohya" else diffusers_file
    about = About(
        name=plain_name(request),
        trigger=request.trigger,
        recipe=request.recipe,
        pictures=len(request.pictures),
        family=machine.family,
        size_px=machine.size_px,
        layers_per_block=int(machine.unet.config.layers_per_block),
    )
    return write(
        task.read(request.adapter), about
    ), "-diffusers.safetensors" if request.what == "lora-diffusers" else ".safetensors"


def plain_name(request: TakeRequest) -> str:
    """A name without spaces or paths: the seal's, with its trigger."""
    name = re.sub(r"[^a-z0-9]+", "-", request.name.lower()).strip("-")[:32]
    return name if request.trigger in name.split("-") else "-".join(part for part in (name, request.trigger) if part)
