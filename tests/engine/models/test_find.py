"""Models are found by name, and pickles are refused whatever they are called."""

from __future__ import annotations

import pickle
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from emoji_sd import WEIGHTS
from engine.models.find import find
from engine.models.loading import hash_of, load_model
from storage.errors import ModelMissing, ModelRefused
from tests.engine.tiny_models import tiny_folder

ROOT = Path(__file__).resolve().parents[3]


class Trap:
    """Unpickling this would leave a mark."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[object, tuple[object, ...]]:
        return Path.touch, (self.mark,)


@pytest.mark.parametrize("name", ["model.ckpt", "model.pt", "model.bin", "model.pth", "model.PKL"])
def test_a_pickle_is_refused_by_its_name(name: str, tmp_path: Path) -> None:
    with pytest.raises(ModelRefused):
        find(str(tmp_path / name))


@pytest.mark.parametrize("writer", ["pickle", "torch"])
def test_a_pickle_renamed_to_safetensors_is_refused_by_its_bytes_and_never_runs(writer: str, tmp_path: Path) -> None:
    mark, path = tmp_path / "it-ran", tmp_path / "model.safetensors"
    if writer == "pickle":
        path.write_bytes(pickle.dumps(Trap(mark)))
    else:
        torch.save({"weights": torch.zeros(2)}, path)
    with pytest.raises(ModelRefused):
        load_model(str(path), device="cpu")
    assert not mark.exists()


@pytest.mark.parametrize(
    "data",
    [b"", b"\x08", b"\xff" * 16, (5).to_bytes(8, "little") + b"[1,2]", (99).to_bytes(8, "little") + b"{}"],
    ids=["empty", "cut", "huge header", "a list", "header longer than the file"],
)
def test_a_broken_header_is_refused(data: bytes, tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    path.write_bytes(data)
    with pytest.raises(ModelRefused):
        find(str(path))


def test_a_folder_with_one_pickled_part_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "model"
    shutil.copytree(tiny_folder("sd1"), folder)
    weights = next((folder / "unet").glob("*.safetensors"))
    weights.rename(weights.with_suffix(".bin"))
    with pytest.raises(ModelRefused):
        find(str(folder))


@pytest.mark.parametrize("name", ["/nowhere/at/all", "just-a-word", "model.safetensors", "./a/b/c"])
def test_what_is_not_there_is_missing(name: str) -> None:
    with pytest.raises(ModelMissing):
        find(name)


def test_the_embedded_model_is_found_by_its_short_name() -> None:
    found = find("emoji")
    assert found.path == WEIGHTS
    assert not found.is_single_file


def test_a_single_file_is_named_by_its_stem_and_hashed_whole(tmp_path: Path) -> None:
    path = tmp_path / "dreams.safetensors"
    save_file({"x": torch.zeros(2)}, path)
    found = find(str(path))
    assert (found.name, found.is_single_file) == ("dreams", True)
    before = hash_of(found)
    save_file({"x": torch.ones(2)}, path)
    assert hash_of(found) != before


def test_the_embedded_model_that_no_package_brings_is_missing_with_what_to_do() -> None:
    code = "import sys; sys.modules['emoji_sd'] = None; from engine.models.find import find; find('emoji')"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert "ModelMissing" in done.stderr
    assert "make install" in done.stderr
