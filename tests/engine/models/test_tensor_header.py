"""A .safetensors from anybody is refused by what is in it: within a second, in a child, by one line."""

from __future__ import annotations

import json
import pickle
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from engine.models.tensor_header import check_tensors
from storage.errors import FileRefused


def framed(header: bytes, data: bytes = b"", length: int | None = None) -> bytes:
    return (len(header) if length is None else length).to_bytes(8, "little") + header + data


def listed(entries: dict[str, object], data: bytes = b"\0" * 8) -> bytes:
    return framed(json.dumps(entries).encode(), data)


def tensor(start: int = 0, end: int = 8, shape: object = (2,), dtype: str = "F32") -> dict[str, object]:
    return {"dtype": dtype, "shape": shape, "data_offsets": [start, end]}


HOSTILE: dict[str, tuple[Callable[[], bytes], str]] = {
    "200 kB of [": (lambda: framed(b"[" * 200_000), "no .safetensors"),
    "200 kB of [ inside": (lambda: framed(b'{"a":' + b"[" * 200_000), "nested too deep|no .safetensors"),
    "200 kB of {": (lambda: framed(b'{"a":' * 40_000), "nested too deep|no .safetensors"),
    "200,000 tensors": (
        lambda: listed({f"layer.{n}.weight": tensor(0, 0, [0]) for n in range(200_000)}, b""),
        "too many|larger than|too long|memory",
    ),
    "a header longer than the file": (lambda: framed(b'{"a":1}', length=1 << 40), "longer than the file"),
    "a header of 100 MB": (lambda: framed(b"{" + b" " * (100 << 20)), "larger than that of any model"),
    "a pickle by another name": (lambda: pickle.dumps({"a": 1}), "pickle"),
    "a torch zip by another name": (lambda: b"PK\x03\x04" + b"\0" * 100, "pickle"),
    "nothing": (lambda: b"", "no .safetensors"),
    "half a length": (lambda: b"\1\0\0", "no .safetensors"),
    "huge shapes": (lambda: listed({"a": tensor(shape=[1 << 40, 1 << 40])}), "not as large as it says"),
    "shapes beyond any number": (lambda: listed({"a": tensor(shape=[10**100])}), "cannot be"),
    "a number of 5,000 digits": (lambda: framed(b'{"a":' + b"9" * 5000 + b"}"), "no .safetensors"),
    "shapes below zero": (lambda: listed({"a": tensor(shape=[-2, -1])}), "cannot be"),
    "shapes of words": (lambda: listed({"a": tensor(shape=["2"])}), "cannot be"),
    "shapes of truths": (lambda: listed({"a": tensor(shape=[True, 2])}), "cannot be"),
    "a thousand dimensions": (lambda: listed({"a": tensor(shape=[1] * 1000 + [2])}), "cannot be"),
    "an unknown type": (lambda: listed({"a": tensor(dtype="F1000")}), "cannot be"),
    "overlapping places": (lambda: listed({"a": tensor(), "b": tensor()}), "overlap"),
    "a hole": (lambda: listed({"a": tensor(), "b": tensor(12, 20)}, b"\0" * 20), "holes"),
    "places beyond the end": (lambda: listed({"a": tensor(8, 16)}), "beyond its end"),
    "cut off": (lambda: listed({"a": tensor()}, b"\0" * 5), "cut off"),
    "something behind": (lambda: listed({"a": tensor()}, b"\0" * 8 + b"more"), "forged"),
    "places backwards": (lambda: listed({"a": tensor(8, 0)}), "not as large"),
    "one name twice": (lambda: framed(b'{"a":{},"a":{}}'), "twice"),
    "a fact that is no text": (lambda: listed({"__metadata__": {"a": 1}, "b": tensor()}), "no text"),
    "facts that are a list": (lambda: listed({"__metadata__": ["a"], "b": tensor()}), "no text"),
    "no tensors": (lambda: listed({"__metadata__": {}}, b""), "no tensors"),
    "a list of words": (lambda: listed({"a": "b"}), "no .safetensors"),
    "NaN for a place": (lambda: framed(b'{"a":{"dtype":"F32","shape":[2],"data_offsets":[NaN,8]}}'), "cannot be"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_file_is_refused_within_a_second_by_one_line(tmp_path: Path, name: str) -> None:
    make, wanted = HOSTILE[name]
    path = tmp_path / "seal.safetensors"
    path.write_bytes(make())
    started = time.perf_counter()
    with pytest.raises(FileRefused) as refused:
        check_tensors(path)
    assert time.perf_counter() - started < 1.5  # a second on a machine of its own
    reason = str(refused.value.facts["reason"])
    assert any(words in reason for words in wanted.split("|")), reason
    assert "\n" not in reason


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
@pytest.mark.parametrize("wrong", [float("nan"), float("inf"), -float("inf")])
def test_a_number_that_is_none_is_found_in_every_format(tmp_path: Path, dtype: torch.dtype, wrong: float) -> None:
    numbers = torch.full((3, 1000), torch.finfo(dtype).max, dtype=dtype)
    path = tmp_path / "seal.safetensors"
    save_file({"fine": numbers, "wrong": numbers.clone()}, path, {"of": "a person"})
    assert check_tensors(path) == {"of": "a person"}
    numbers[2, 999] = wrong
    save_file({"fine": torch.ones(7), "wrong": numbers}, path)
    with pytest.raises(FileRefused) as refused:
        check_tensors(path)
    assert refused.value.facts["reason"] == "wrong holds NaN or infinity"


def test_a_header_whose_length_looks_like_a_pickle_is_none(tmp_path: Path) -> None:
    text = json.dumps({"a": tensor()}).encode()
    path = tmp_path / "seal.safetensors"
    path.write_bytes(framed(text + b" " * (0x80 - len(text)), b"\0" * 8))
    assert path.read_bytes()[:1] == b"\x80"
    assert check_tensors(path) == {}
