"""Exported files: what is in them, and that they tell nobody where they came from."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest
from huggingface_hub import ModelCard
from safetensors.torch import load

from engine.jobs import export
from engine.jobs.events import Finished, Made, Task
from engine.models.adapters.shape import Shape
from storage.errors import UnknownRequest
from storage.recipe import Recipe
from storage.requests import ExportAnswer, ExportRequest
from storage.states import ExportKind
from tests.engine.sealing import ATTENTION, Memory, content_hash, lively_adapter, png, small_training
from tests.engine.tiny_models import tiny_machine


@pytest.fixture
def memory() -> Memory:
    return Memory()


@pytest.fixture
def request_of(memory: Memory) -> ExportRequest:
    machine = tiny_machine("sd1")
    training = small_training(memory)
    adapter = lively_adapter(machine, Shape(2, 2, ATTENTION))
    sheet = png(7)
    memory.files |= {content_hash(adapter): adapter, content_hash(sheet): sheet}
    return ExportRequest(
        what=ExportKind.CARD,
        name="Neon sign",
        trigger="ohwx",
        recipe=Recipe(),
        pictures=training.pictures,
        adapter=content_hash(adapter),
        step=6,
        sheets=(content_hash(sheet),),
        prompts=('a "guitar", ohwx',),
        card="Draws like a *neon sign*.",
    )


@contextmanager
def safe_open_bytes(data: bytes) -> Iterator[dict[str, str]]:
    yield json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])["__metadata__"]


def taken(request: ExportRequest, memory: Memory) -> tuple[bytes, ExportAnswer]:
    events = list(export.run(request, tiny_machine("sd1"), Task(job_id=1, read=memory.files.__getitem__)))
    made = next(event for event in events if isinstance(event, Made))
    assert isinstance(events[-1], Finished)
    answer = events[-1].answer
    assert isinstance(answer, ExportAnswer)
    return made.data, answer


def test_the_dataset_reads_as_an_image_folder_and_for_kohya(memory: Memory, request_of: ExportRequest) -> None:
    data, answer = taken(replace(request_of, what=ExportKind.DATASET), memory)
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        lines = [json.loads(line) for line in archive.read("images/metadata.jsonl").decode().splitlines()]
        assert [line["file_name"] for line in lines] == [f"1_ohwx/{number:04}.png" for number in range(1, 5)]
        for line, picture in zip(lines, request_of.pictures, strict=True):
            assert line["text"] == picture.caption
            assert archive.read("images/" + line["file_name"].replace(".png", ".txt")).decode() == picture.caption
            assert archive.read("images/" + line["file_name"]) == memory.files[picture.file]
    assert answer.filename == "neon-sign-ohwx-dataset.zip"
    assert answer.size_bytes == len(data)
    assert answer.file == content_hash(data)


@pytest.mark.parametrize("what", ["lora-kohya", "lora-diffusers", "dataset", "card"])
def test_the_same_request_gives_the_same_bytes(what: str, memory: Memory, request_of: ExportRequest) -> None:
    request = replace(request_of, what=what)
    assert taken(request, memory) == taken(request, memory)


@pytest.mark.parametrize(
    ("what", "filename"),
    [("lora-kohya", "neon-sign-ohwx.safetensors"), ("lora-diffusers", "neon-sign-ohwx-diffusers.safetensors")],
)
def test_a_lora_has_a_name_without_spaces(what: str, filename: str, memory: Memory, request_of: ExportRequest) -> None:
    data, answer = taken(replace(request_of, what=what), memory)
    assert answer.filename == filename
    assert len(load(data)) > 0


def test_the_card_says_what_the_hub_reads_and_the_recipe_that_made_it(
    memory: Memory, request_of: ExportRequest
) -> None:
    data, _ = taken(request_of, memory)
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        text = archive.read("README.md").decode()
        recipe = json.loads(archive.read("recipe.json"))
        assert archive.read("pictures/01.png") == memory.files[request_of.sheets[0]]
    front = text.split("---")[1]
    assert "library_name: diffusers" in front
    facts = ModelCard(text).data.to_dict()
    assert facts["instance_prompt"] == "ohwx"
    assert facts["widget"] == [{"text": 'a "guitar", ohwx', "output": {"url": "pictures/01.png"}}]
    assert "Draws like a *neon sign*." in text
    assert recipe["recipe"]["rank"] == request_of.recipe.rank
    assert recipe["captions"] == [picture.caption for picture in request_of.pictures]


@pytest.mark.parametrize("what", ["lora-kohya", "dataset", "card"])
def test_no_file_says_where_on_the_machine_the_model_lies(what: str, memory: Memory, request_of: ExportRequest) -> None:
    data, _ = taken(replace(request_of, what=what), memory)
    assert b"/tmp" not in data


@pytest.mark.parametrize(
    ("name", "trigger", "stem"),
    [
        ("Neon sign", "ohwx", "neon-sign-ohwx"),
        ("ohwx", "ohwx", "seal-ohwx"),
        ("неон", "ohwx", "seal-ohwx"),
        ("네온", "ohwx", "seal-ohwx"),
        ("", "ohwx", "seal-ohwx"),
        ("../../etc/passwd", "ohwx", "etc-passwd-ohwx"),
        ("CON", "ohwx", "con-ohwx"),
        ("a:b,c<d>|e", "ohwx", "a-b-c-d-e-ohwx"),
        ("x" * 300, "ohwx", "x" * 32 + "-ohwx"),
        ("an ohwx style", "ohwx", "an-ohwx-style"),
    ],
)
def test_a_lora_is_never_called_by_its_word_alone_nor_by_what_a_disk_or_a_prompt_refuses(
    name: str, trigger: str, stem: str, memory: Memory, request_of: ExportRequest
) -> None:
    request = replace(request_of, what=ExportKind.LORA_KOHYA, name=name, trigger=trigger)
    data, answer = taken(request, memory)
    assert answer.filename == f"{stem}.safetensors"
    with safe_open_bytes(data) as facts:
        assert facts["ss_output_name"] == stem  # A1111 knows it by either


def test_something_unknown_is_refused(memory: Memory, request_of: ExportRequest) -> None:
    for request in (replace(request_of, what="ckpt"), replace(request_of, what=ExportKind.LORA_KOHYA, adapter=None)):
        with pytest.raises(UnknownRequest):
            taken(request, memory)
