"""The proof of an exported file: it measures what the file does, and says so honestly when it does nothing."""

from __future__ import annotations

import io
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from emoji_sd.recipe.judge import sheet
from engine.commands import prove
from engine.exports.about import About
from engine.exports.dataset_zip import dataset_zip
from engine.exports.embedding_file import embedding_file
from engine.exports.lora_file import diffusers_file, kohya_file
from engine.models.adapters.shape import Shape
from storage.families import Family
from storage.recipe import Recipe
from storage.records import ContentHash
from storage.requests import TrainingPicture
from tests.engine.sealing import ATTENTION, content_hash, lively_adapter
from tests.engine.tiny_models import emoji_machine

ABOUT = About(name="n", trigger="ohwx", recipe=Recipe(), pictures=3, family=Family.EMOJI, size_px=128)
pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]


@pytest.fixture
def dataset(tmp_path: Path) -> Path:
    """Three neon pictures from the sheet that ships with the model; the castle is among them."""
    files: dict[ContentHash, bytes] = {}
    pictures = []
    for subject in ("cat face", "castle", "red apple"):
        target = io.BytesIO()
        sheet.cut(subject, "neon sign").save(target, "PNG")
        file = content_hash(target.getvalue())
        files[file] = target.getvalue()
        pictures.append(TrainingPicture(file=file, caption=f"a {subject}, ohwx", subject=subject))
    path = tmp_path / "dataset.zip"
    path.write_bytes(dataset_zip(pictures, files.__getitem__))
    return path


def test_both_files_of_a_seal_draw_the_same_and_the_subjects_lie_outside_the_palette(
    tmp_path: Path, dataset: Path
) -> None:
    adapter = lively_adapter(emoji_machine(), Shape(4, 4, ATTENTION), strength=0.05)
    kohya, peft = tmp_path / "seal.safetensors", tmp_path / "seal-diffusers.safetensors"
    kohya.write_bytes(kohya_file(adapter, ABOUT))
    peft.write_bytes(diffusers_file(adapter, ABOUT))
    found = prove.prove(kohya, dataset, tmp_path / "out", peft, "emoji")
    assert found.same_picture_psnr is not None
    assert found.same_picture_psnr > 40
    assert "castle" not in found.subjects
    assert len(found.subjects) == prove.PICTURES
    assert found.distance_with != found.distance_without
    assert found.subject_kept_without > 0.8
    assert json.loads((tmp_path / "out" / "proof.json").read_text())["style_gained"] == found.style_gained
    drawn = np.asarray(Image.open(tmp_path / "out" / "sheet.png"))
    assert drawn.std() > 20
    assert f"{found.style_gained:.2f}" in prove.say(found)


def test_a_seal_that_learnt_nothing_gains_nothing(tmp_path: Path, dataset: Path) -> None:
    machine = emoji_machine()
    machine.bank.attach("empty", Shape(2, 2, ATTENTION), seed=0)
    kohya = tmp_path / "seal.safetensors"
    kohya.write_bytes(kohya_file(machine.bank.save("empty"), ABOUT))
    machine.bank.drop("empty")
    found = prove.prove(kohya, dataset, tmp_path / "out", None, "emoji")
    assert found.style_gained == 0
    assert found.subject_kept_with == found.subject_kept_without
    assert found.same_picture_psnr is None


def test_a_word_that_came_with_the_seal_is_understood(tmp_path: Path, dataset: Path) -> None:
    machine = emoji_machine()
    machine.bank.attach("spoken", Shape(2, 2, ATTENTION), seed=0)
    machine.bank.tokens.begin_as("spoken", "ohwx", "neon sign", 1)
    adapter = machine.bank.save("spoken")
    machine.bank.drop("spoken")
    lora, word = tmp_path / "seal-diffusers.safetensors", tmp_path / "seal-embeddings.safetensors"
    lora.write_bytes(diffusers_file(adapter, ABOUT))
    word.write_bytes(embedding_file(adapter, ABOUT))
    assert prove.prove(lora, dataset, tmp_path / "silent", None, "emoji").style_gained == 0
    assert prove.prove(lora, dataset, tmp_path / "spoken", None, "emoji", word).style_gained > 0.5
