"""Every file that can be exported, and what it is called: names that other programs go by."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable

from engine.exports.about import About, about_seal
from engine.exports.dataset_zip import dataset_zip
from engine.exports.embedding_file import embedding_file, embedding_name
from engine.exports.lora_file import diffusers_file, kohya_file
from engine.exports.model_card import card_zip
from engine.exports.recipe_file import RecipeFile, made_with
from engine.models.adapters.file import read as read_adapter
from engine.models.machine import Machine
from engine.pictures.png_parameters import LORA_HASH_DIGITS, SHORT_HASH_DIGITS, SealFile
from storage.errors import UnknownRequest
from storage.records import ContentHash
from storage.requests import ExportRequest
from storage.states import ExportKind

Read = Callable[[ContentHash], bytes]
LONGEST_NAME = 32


def export_file(request: ExportRequest, machine: Machine, read: Read) -> tuple[bytes, str]:
    """(bytes, file name); the same request gives the same bytes. Raises UnknownRequest."""
    name = plain_name(request)
    if request.what == ExportKind.DATASET:
        return dataset_zip(request.pictures, read, request.trigger), f"{name}-dataset.zip"
    if request.what == ExportKind.CARD:
        return card_zip(request, recipe_of(request, machine), read), f"{name}-card.zip"
    if request.adapter is None:
        raise UnknownRequest(what=request.what)
    adapter, said = read(request.adapter), about(request, machine)
    if request.what == ExportKind.LORA_KOHYA:
        return kohya_file(adapter, said, machine.bank.weight_of), f"{name}.safetensors"
    if request.what == ExportKind.LORA_DIFFUSERS:
        return diffusers_file(adapter, said), f"{name}-diffusers.safetensors"
    if request.what == ExportKind.EMBEDDINGS and read_adapter(adapter).tokens:
        return embedding_file(adapter, said), f"{embedding_name(request.trigger)}.safetensors"
    raise UnknownRequest(what=request.what)


def seal_file(lora: ExportRequest, machine: Machine, read: Read) -> SealFile:
    """By what a picture names the files of a seal, whether or not somebody has taken them yet.

    `lora` asks for the kohya file. A1111 knows a LoRA by the sha256 of its tensors (AutoV3) and an embedding by that of
    the file; Civitai both by the file's (AutoV2). Raises UnknownRequest.
    """
    assert lora.adapter is not None
    embedding = embedding_sha256 = None
    if read_adapter(read(lora.adapter)).tokens:
        embedding = embedding_name(lora.trigger)
        embedding_sha256 = hashlib.sha256(embedding_file(read(lora.adapter), about(lora, machine))).hexdigest()
    found = SealFile(embedding=embedding, embedding_sha256=embedding_sha256)
    if not lora.recipe.lora:
        return found
    data, filename = export_file(lora, machine, read)
    behind = 8 + int.from_bytes(data[:8], "little")
    return SealFile(
        name=filename.removesuffix(".safetensors"),
        autov2=hashlib.sha256(data).hexdigest()[:SHORT_HASH_DIGITS],
        autov3=hashlib.sha256(data[behind:]).hexdigest()[:LORA_HASH_DIGITS],
        embedding=embedding,
        embedding_sha256=embedding_sha256,
    )


def about(request: ExportRequest, machine: Machine) -> About:
    """What its files say of a seal."""
    return about_seal(
        machine,
        request.recipe,
        name=plain_name(request),
        trigger=request.trigger,
        pictures=len(request.pictures),
        step=request.step or None,
    )


def recipe_of(request: ExportRequest, machine: Machine) -> RecipeFile:
    """What makes this seal again."""
    return RecipeFile(
        name=plain_name(request),
        trigger=request.trigger,
        model=machine.pinned_name,
        model_sha256=machine.weights_sha256,
        checkpoint_step=request.step or request.recipe.steps,
        recipe=request.recipe,
        captions=tuple(picture.caption for picture in request.pictures),
        subjects=tuple(picture.subject for picture in request.pictures),
        pictures=tuple(picture.file for picture in request.pictures),
        adapter=request.adapter,
        made_with=made_with(machine),
    )


def plain_name(request: ExportRequest) -> str:
    """A LoRA's name without spaces or paths: the seal's with its trigger, which alone is its embedding's name."""
    name = re.sub(r"[^a-z0-9]+", "-", request.name.lower()).strip("-")[:LONGEST_NAME].strip("-")
    trigger = embedding_name(request.trigger)
    if trigger in name.split("-") and name != trigger:
        return name
    return f"{name if name != trigger and name else 'seal'}-{trigger}"
