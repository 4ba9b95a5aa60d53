"""Folders in diffusers layout as people have them: in one number format, in two, in pieces, linked from a cache."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import torch
from diffusers import StableDiffusionPipeline
from safetensors.torch import load_file

from engine.models.find import find
from engine.models.loading import load_model
from engine.models.machine import Machine
from storage.errors import ModelRefused
from storage.states import ModelFault
from tests.engine.tiny_models import tiny_folder

PARTS = ("unet", "vae", "text_encoder")


def copy(tmp_path: Path) -> Path:
    return Path(shutil.copytree(tiny_folder("sd1"), tmp_path / "model"))


def weights(folder: Path, part: str) -> Path:
    return next((folder / part).glob("*.safetensors"))


def saved(folder: Path, dtype: torch.dtype, **how: object) -> None:
    """Saves the tiny model by diffusers itself, in a number format."""
    whole = StableDiffusionPipeline.from_pretrained(tiny_folder("sd1"), dtype=dtype, safety_checker=None)
    whole.save_pretrained(folder, safe_serialization=True, **how)


def first_weight(machine: Machine) -> torch.Tensor:
    found: torch.Tensor = machine.unet.conv_in.weight
    return found


def own_weight() -> torch.Tensor:
    return load_file(weights(tiny_folder("sd1"), "unet"))["conv_in.weight"]


@pytest.mark.parametrize(
    ("variant", "dtype"), [("fp16", torch.float16), ("bf16", torch.bfloat16), (None, torch.float16)]
)
def test_a_folder_in_one_half_format_loads(variant: str | None, dtype: torch.dtype, tmp_path: Path) -> None:
    saved(tmp_path / "model", dtype, variant=variant)
    machine = load_model(str(tmp_path / "model"), device="cpu")
    assert find(str(tmp_path / "model")).variant == variant
    assert torch.equal(first_weight(machine), own_weight().to(dtype).float())


def test_of_both_formats_the_plain_one_is_loaded(tmp_path: Path) -> None:
    folder = copy(tmp_path)
    saved(folder, torch.float16, variant="fp16")
    assert len(list((folder / "unet").glob("*.safetensors"))) == 2
    assert torch.equal(first_weight(load_model(str(folder), device="cpu")), own_weight())


def test_a_variant_is_taken_where_one_part_has_nothing_else(tmp_path: Path) -> None:
    folder = copy(tmp_path)
    plain = weights(folder, "unet")
    saved(folder, torch.float16, variant="fp16")
    plain.unlink()
    machine = load_model(str(folder), device="cpu")
    assert torch.equal(first_weight(machine), own_weight().half().float())


def test_a_folder_in_pieces_loads_and_one_without_a_piece_does_not(tmp_path: Path) -> None:
    saved(tmp_path / "model", torch.float32, max_shard_size="200KB")
    pieces = sorted((tmp_path / "model" / "unet").glob("*-of-*.safetensors"))
    assert len(pieces) > 1
    assert torch.equal(first_weight(load_model(str(tmp_path / "model"), device="cpu")), own_weight())
    pieces[-1].unlink()
    with pytest.raises(ModelRefused) as caught:
        find(str(tmp_path / "model"))
    assert caught.value.facts["fault"] == ModelFault.DAMAGED


def test_a_folder_of_a_hubs_cache_loads_through_its_links(tmp_path: Path) -> None:
    model, commit = tmp_path / "models--anna--tiny", "a" * 40
    (model / "blobs").mkdir(parents=True)
    for number, file in enumerate(one for one in tiny_folder("sd1").rglob("*") if one.is_file()):
        blob = model / "blobs" / f"{number:064x}"
        shutil.copy(file, blob)
        link = model / "snapshots" / commit / file.relative_to(tiny_folder("sd1"))
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(blob)
    (model / "refs").mkdir()
    (model / "refs" / "main").write_text(commit)
    for place in (model, model / "snapshots" / commit):
        assert torch.equal(first_weight(load_model(str(place), device="cpu")), own_weight())
