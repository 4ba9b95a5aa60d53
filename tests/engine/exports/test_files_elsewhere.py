"""Files that people take home, read by the tools that the messages name, each by its own published rule."""

from __future__ import annotations

import hashlib
import io
import json
import os
import subprocess
import sys
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from diffusers import DiffusionPipeline
from huggingface_hub import ModelCard
from huggingface_hub.utils._validators import validate_repo_id
from PIL import Image
from safetensors.torch import load

from engine.exports.dataset_zip import dataset_zip
from engine.exports.export import export_file
from engine.exports.model_card import card_zip, hub_id
from engine.exports.recipe_file import RecipeFile
from engine.jobs import trying
from engine.jobs.events import Drew, Task
from engine.models.adapters.file import read as read_adapter
from engine.models.adapters.shape import Shape
from storage.recipe import Recipe
from storage.records import ContentHash, Drawing, Seed
from storage.requests import ExportRequest, Row, SealUse, TrainingPicture, TryRequest
from storage.states import ExportKind
from tests.engine.sealing import ATTENTION, content_hash, lively_adapter, png
from tests.engine.tiny_models import tiny_folder, tiny_machine

CAPTIONS = ("a fox, ohwx", "여우, ohwx", "лиса «в шляпе», ohwx", 'a "quoted" \\ cat 🐈, ohwx', "日本の城、ohwx")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The dataset, unzipped; the zip lies beside it."""
    files = {content_hash(png(number)): png(number) for number in range(len(CAPTIONS))}
    shown = [
        TrainingPicture(file=ContentHash(file), caption=caption, subject="x")
        for file, caption in zip(files, CAPTIONS, strict=True)
    ]
    data = dataset_zip(shown, files.__getitem__, "ohwx")
    assert data == dataset_zip(shown, files.__getitem__, "ohwx")
    (tmp_path / "dataset.zip").write_bytes(data)
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        archive.extractall(tmp_path / "set")
    return tmp_path / "set"


LOADS = """
import json, sys
from datasets import load_dataset
folder, archive = sys.argv[1:]
ways = {
    "the folder": lambda: load_dataset(folder),
    "imagefolder": lambda: load_dataset("imagefolder", data_dir=folder),
    "imagefolder, images": lambda: load_dataset("imagefolder", data_dir=folder + "/images"),
    "the zip": lambda: load_dataset("imagefolder", data_files=archive),
}
found = {name: way()["train"] for name, way in ways.items()}
told = {name: [sorted(one.column_names), list(one["text"]), one[0]["image"].size] for name, one in found.items()}
print(json.dumps(told))
"""


def test_datasets_reads_pictures_and_captions_in_every_way_the_message_names(folder: Path, tmp_path: Path) -> None:
    """In a process of its own: datasets keeps its cache where HF_HOME said at import."""
    env = {**os.environ, "HF_HOME": str(tmp_path / "hf"), "HF_HUB_OFFLINE": "1", "HF_DATASETS_OFFLINE": "1"}
    asked = [sys.executable, "-c", LOADS, str(folder), str(tmp_path / "dataset.zip")]
    ran = subprocess.run(asked, env=env, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr[-2000:]
    found = json.loads(ran.stdout.splitlines()[-1])
    assert len(found) == 4
    for name, (columns, texts, size) in found.items():
        assert columns == ["image", "text"], name
        assert texts == list(CAPTIONS), name
        assert size == [64, 64], name


def by_kohya(train_data_dir: Path) -> list[tuple[int, str]]:
    """(repeats, caption): library/config_util.py `generate_dreambooth_subsets_config_by_subdirs`, train_util.py
    `read_caption` of kohya-ss/sd-scripts: folders `N_words`, the caption is the first line of the twin."""
    found = []
    for folder in sorted(path for path in train_data_dir.iterdir() if path.is_dir()):
        try:
            repeats = int(folder.name.split("_")[0])
        except ValueError:
            continue
        twins = [picture.with_suffix(".txt").read_text("utf-8") for picture in sorted(folder.glob("*.png"))]
        found += [(repeats, text.splitlines()[0].strip()) for text in twins]
    return found


def by_one_trainer(concept: Path) -> list[str]:
    """modules/dataLoader/mixin/DataLoaderText2ImageMixin.py of Nerogar/OneTrainer: every picture of the folder but
    masks, its text from the file of the same stem."""
    pictures = sorted(path for path in concept.iterdir() if path.suffix in {".png", ".jpg", ".webp"})
    taken = [path for path in pictures if not path.stem.endswith(("-masklabel", "-condlabel"))]
    return [path.with_suffix(".txt").read_text("utf-8").strip() for path in taken]


def test_kohya_and_one_trainer_find_every_picture_with_its_caption(folder: Path) -> None:
    assert by_kohya(folder / "images") == [(1, caption) for caption in CAPTIONS]
    (concept,) = [path for path in (folder / "images").iterdir() if path.is_dir()]
    assert by_one_trainer(concept) == list(CAPTIONS)


def request(**changes: Any) -> ExportRequest:
    made = ExportRequest(
        what=ExportKind.CARD,
        name="Neon sign",
        trigger="ohwx",
        recipe=Recipe(),
        card="Draws.",
        prompts=("a fox, ohwx",),
        sheets=(ContentHash("a" * 64),),
    )
    return replace(made, **changes)


def card_of(asked: ExportRequest, model: str) -> str:
    recipe = RecipeFile(
        name="neon-ohwx", trigger=asked.trigger, model=model, checkpoint_step=1, recipe=Recipe(), captions=("a",)
    )
    with zipfile.ZipFile(io.BytesIO(card_zip(asked, recipe, lambda _: b"png"))) as archive:
        return archive.read("README.md").decode()


@pytest.mark.parametrize(
    ("model", "base"),
    [
        ("stabilityai/stable-diffusion-xl-base-1.0", "stabilityai/stable-diffusion-xl-base-1.0"),
        ("stabilityai/stable-diffusion-xl-base-1.0@main", "stabilityai/stable-diffusion-xl-base-1.0"),
        ("Dream Shaper 8 (pruned)", None),
        ("realisticVision_v51", None),
        ("emoji", None),
        ("a/b/c", None),
        ("a/b c", None),
        ("a/..", None),
        ("모델/이름", None),
    ],
)
def test_a_card_links_to_a_base_only_where_the_hub_has_its_page(model: str, base: str | None) -> None:
    text = card_of(request(), model)
    assert ModelCard(text).data.base_model == base
    assert hub_id(model) == base
    assert ("has no page on the Hub" in text) is (base is None)
    if base:
        validate_repo_id(base)


@pytest.mark.parametrize(
    "words", ['a "quoted": text', "- list", "🦊 emoji", "two\nlines", "#hash", "{a: b}", "---", "no", "лиса", "'", "\t"]
)
def test_a_card_s_front_matter_says_what_was_said_whatever_the_words(words: str) -> None:
    text = card_of(request(name=words, trigger=words, prompts=(words,)), "emoji")
    facts = yaml.safe_load(text.split("\n---\n")[0].removeprefix("---\n"))
    assert facts["instance_prompt"] == words
    assert facts["widget"] == [{"text": words, "output": {"url": "pictures/01.png"}}]
    assert ModelCard(text).data.to_dict()["tags"] == ["text-to-image", "lora", "diffusers", "template:diffusion-lora"]


def worded(recipe: Recipe | None = None) -> tuple[ExportRequest, bytes]:
    machine = tiny_machine("sd1")
    machine.bank.attach("spoken", Shape(4, 4, ATTENTION), seed=1)
    machine.bank.tokens.begin("spoken", "ohwx", 2, 3)
    data = machine.bank.save("spoken")
    machine.bank.drop("spoken")
    asked = request(what=ExportKind.EMBEDDINGS, recipe=recipe or Recipe(new_tokens=2), adapter=content_hash(data))
    return asked, data


def test_the_learnt_word_is_what_its_file_is_called_in_every_program(tmp_path: Path) -> None:
    asked, adapter = worded()
    data, filename = export_file(asked, tiny_machine("sd1"), {content_hash(adapter): adapter}.__getitem__)
    assert filename == "ohwx.safetensors"  # A1111, Forge: its stem; ComfyUI: embedding: and its stem
    assert load(data).keys() == {"ohwx"}  # diffusers: the key
    (tmp_path / filename).write_bytes(data)
    pipeline = DiffusionPipeline.from_pretrained(tiny_folder("sd1"))
    pipeline.load_textual_inversion(str(tmp_path / filename))
    assert set(pipeline.tokenizer.get_added_vocab()) >= {"ohwx", "ohwx_1"}


@pytest.mark.parametrize("word", ["aux", "NUL", "com1", "lpt9", "con"])
def test_a_word_that_windows_keeps_for_a_device_gets_a_name_that_every_disk_takes(word: str) -> None:
    asked, adapter = worded()
    read = {content_hash(adapter): adapter}.__getitem__
    data, filename = export_file(replace(asked, trigger=word), tiny_machine("sd1"), read)
    assert filename == f"{word}_.safetensors"
    assert load(data).keys() == {f"{word}_"}
    assert export_file(replace(asked, trigger=f"{word}x"), tiny_machine("sd1"), read)[1] == f"{word}x.safetensors"


def text_of(png_file: bytes) -> str:
    with Image.open(io.BytesIO(png_file)) as image:
        return str(image.info["parameters"])


@pytest.mark.parametrize("make", [lambda: worded()[1], lambda: lively_adapter(tiny_machine("sd1"), SHAPE)])
def test_a_trial_names_the_files_that_the_person_takes_home_before_or_after_it(make: Callable[[], bytes]) -> None:
    adapter, machine = make(), tiny_machine("sd1")
    read = {content_hash(adapter): adapter}.__getitem__
    lora = request(what=ExportKind.LORA_KOHYA, adapter=content_hash(adapter), card="", prompts=(), sheets=())
    drawing = Drawing(steps=1, width_px=64, height_px=64)
    seals = (SealUse(adapter=content_hash(adapter), weight=0.8),)
    rows = tuple(
        Row(prompt="a castle, ohwx", negative="", seed=Seed(1), subject="castle", drawing=drawing, seals=active)
        for active in ((), seals)
    )
    events = trying.run(TryRequest(rows=rows, loras=(lora,)), machine, Task(job_id=1, read=read))
    without, text = (text_of(event.png) for event in events if isinstance(event, Drew))
    assert "lora" not in without.lower()
    data, filename = export_file(lora, machine, read)
    stem, behind = filename.removesuffix(".safetensors"), 8 + int.from_bytes(data[:8], "little")
    assert f"<lora:{stem}:0.8>" in text
    assert f'Lora hashes: "{stem}: {hashlib.sha256(data[behind:]).hexdigest()[:12]}"' in text
    listed = json.loads("{" + text.rpartition("{")[2])
    assert listed[f"lora:{stem}"] == hashlib.sha256(data).hexdigest()[:10]
    if read_adapter(adapter).tokens:
        word, _ = export_file(replace(lora, what=ExportKind.EMBEDDINGS), machine, read)
        assert f'TI hashes: "ohwx: {hashlib.sha256(word).hexdigest()[:12]}"' in text
        assert listed["embed:ohwx"] == hashlib.sha256(word).hexdigest()[:10]


SHAPE = Shape(4, 4, ATTENTION)
