"""What a file is, by the names and shapes in it, whoever wrote it."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from engine.models.loading import load_model
from storage.errors import ModelRefused
from storage.states import ModelFault

ROWS = torch.zeros(2, 768)
WORDS: dict[str, tuple[dict[str, torch.Tensor], dict[str, str]]] = {
    "A1111's key": ({"emb_params": ROWS}, {}),
    "SDXL's two keys": ({"clip_l": ROWS, "clip_g": torch.zeros(2, 1280)}, {}),
    "the word itself": ({"ohwx": ROWS}, {}),
    "a word in brackets, as diffusers' trainer writes it": ({"<cat-toy>": torch.zeros(768)}, {}),
    "SD 2's width": ({"zuvo": torch.zeros(1, 1024)}, {}),
    "what ModelSpec says": (
        {"x": torch.zeros(1, 5)},
        {"modelspec.architecture": "stable-diffusion-v1/textual-inversion"},
    ),
}


@pytest.mark.parametrize("name", WORDS)
def test_a_learnt_word_is_called_one_whatever_its_key(name: str, tmp_path: Path) -> None:
    tensors, metadata = WORDS[name]
    path = tmp_path / "word.safetensors"
    save_file(tensors, path, metadata or None)
    with pytest.raises(ModelRefused) as refused:
        load_model(str(path), device="cpu")
    assert refused.value.facts["fault"] is ModelFault.EMBEDDING


@pytest.mark.parametrize("tensors", [{"weight": torch.zeros(4, 4)}, {"a.b": ROWS}, {"x": ROWS, "y": ROWS}])
def test_rows_of_something_else_are_no_learnt_word(tensors: dict[str, torch.Tensor], tmp_path: Path) -> None:
    path = tmp_path / "other.safetensors"
    save_file({key: tensor.clone() for key, tensor in tensors.items()}, path)
    with pytest.raises(ModelRefused) as refused:
        load_model(str(path), device="cpu")
    assert refused.value.facts["fault"] is not ModelFault.EMBEDDING
