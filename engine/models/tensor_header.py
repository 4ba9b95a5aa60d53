"""Whether a .safetensors from anybody is what it says, by its own rules: https://github.com/huggingface/safetensors#format.

`entries` and `finite` run in a limited child (storage.limited_child): they believe nothing, and `finite` alone needs
numpy. A header is read whole before any of it is used, within caps on its length and its number of tensors.
"""

from __future__ import annotations

import json
from itertools import pairwise
from math import prod
from pathlib import Path
from typing import Any

from storage.errors import FileRefused
from storage.limited_child import Limits, read_in_child

HEADER_BYTES = 8 << 20  # a checkpoint's is 0.3 MB; kohya's list of every tag of a large set makes a few
TENSORS = 50_000  # the largest SDXL file with EMA has 4,400
DIMENSIONS, NAME_LENGTH = 8, 500
BITS = {
    **dict.fromkeys(("BOOL", "U8", "I8", "F8_E5M2", "F8_E4M3", "F8_E8M0", "F8_E4M3FNUZ", "F8_E5M2FNUZ"), 8),
    **dict.fromkeys(("U16", "I16", "F16", "BF16"), 16),
    **dict.fromkeys(("U32", "I32", "F32"), 32),
    **dict.fromkeys(("U64", "I64", "F64", "C64"), 64),
    "F4": 4,
}
INFINITE = {"F16": ("<u2", 0x7C00), "BF16": ("<u2", 0x7F80), "F32": ("<u4", 0x7F800000), "F64": ("<u8", 0x7FF << 52)}
CHUNK_BYTES = 4 << 20
NOT_ONE = "it is no .safetensors"
HEADER_LIMITS = Limits(cpu_seconds=3, wall_seconds=6.0, result_bytes=24 << 20)
NUMBER_LIMITS = Limits(cpu_seconds=60, wall_seconds=120.0)


def check_tensors(path: Path) -> dict[str, str]:
    """What a small file (a LoRA, an embedding) says of itself; all its numbers are numbers. Raises FileRefused."""
    whole = str(path.resolve())
    try:
        metadata: dict[str, str] = read_in_child("engine.models.tensor_header:metadata", whole, limits=HEADER_LIMITS)
        read_in_child("engine.models.tensor_header:finite", whole, limits=NUMBER_LIMITS)
    except FileRefused as error:
        raise FileRefused(file=path.name, reason=error.facts["reason"]) from None
    return metadata


def metadata(path: str) -> dict[str, str]:
    """`__metadata__` of a file whose tensors are all in place. Raises FileRefused."""
    return entries(path)[1]


def entries(path: str) -> tuple[dict[str, Any], dict[str, str]]:
    """(tensors: {name: {dtype, shape, data_offsets}}, metadata) of a file. Raises FileRefused."""
    header, room = _header(Path(path))
    facts = header.pop("__metadata__", {})
    if not isinstance(facts, dict) or not all(isinstance(value, str) for value in facts.values()):
        raise FileRefused(reason="what it says of itself is no text")
    if not header:
        raise FileRefused(reason="it holds no tensors")
    spans = sorted(_span(name, entry) for name, entry in header.items())
    if spans[0][0] != 0 or spans[-1][1] != room or any(one[1] != other[0] for one, other in pairwise(spans)):
        raise FileRefused(reason="its tensors overlap, leave holes, or reach beyond its end: it is cut off or forged")
    return header, facts


def finite(path: str) -> bool:
    """True. Raises FileRefused for a file with a tensor that holds NaN or infinity."""
    import numpy as np

    found, _ = entries(path)
    with Path(path).open("rb") as file:
        begin = 8 + int.from_bytes(file.read(8), "little")
        for name, entry in found.items():
            if entry["dtype"] not in INFINITE:
                continue
            kind, exponent = INFINITE[entry["dtype"]]
            start, end = entry["data_offsets"]
            file.seek(begin + start)
            for place in range(start, end, CHUNK_BYTES):
                bits = np.frombuffer(file.read(min(CHUNK_BYTES, end - place)), kind)
                if ((bits & exponent) == exponent).any():
                    raise FileRefused(reason=f"{name[:100]} holds NaN or infinity")
    return True


def _header(path: Path) -> tuple[dict[str, Any], int]:
    """The header as JSON, and how many bytes of tensors lie behind it."""
    if not path.is_file():
        raise FileRefused(reason="there is no such file")
    with path.open("rb") as file:
        size = path.stat().st_size
        length = _length(file.read(9), size)
        file.seek(8)
        text = file.read(length)
    if text.count(b'"dtype"') > TENSORS:  # counted before they are read: reading so many takes seconds
        raise FileRefused(reason="it holds too many tensors")
    try:
        found: dict[str, Any] = json.loads(text, object_pairs_hook=_once)
    except RecursionError as error:
        raise FileRefused(reason="its header is nested too deep") from error
    except ValueError as error:
        raise FileRefused(reason=NOT_ONE) from error
    return found, size - 8 - length


def _length(first: bytes, size: int) -> int:
    """How long the header is, by a file's first nine bytes and its size."""
    if first[8:] != b"{" and first.startswith((b"PK\x03\x04", b"\x80")):
        raise FileRefused(reason="it is a pickle and may run code, whatever its name says")
    if first[8:] != b"{":
        raise FileRefused(reason=NOT_ONE)
    length = int.from_bytes(first[:8], "little")
    if length > size - 8:
        raise FileRefused(reason="its header is longer than the file: it is cut off, or something else")
    if length > HEADER_BYTES:
        raise FileRefused(reason="its header is larger than that of any model")
    return length


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise FileRefused(reason="its header names one thing twice")
    return found


def _span(name: str, entry: Any) -> tuple[int, int]:
    """Where a tensor's bytes lie; as many as its type and shape ask for."""
    if len(name) > NAME_LENGTH or not isinstance(entry, dict) or set(entry) != {"dtype", "shape", "data_offsets"}:
        raise FileRefused(reason=NOT_ONE)
    shape, offsets, bits = entry["shape"], entry["data_offsets"], BITS.get(str(entry["dtype"]))
    if bits is None or not _naturals(shape, DIMENSIONS) or not _naturals(offsets, 2) or len(offsets) != 2:
        raise FileRefused(reason=f"{name[:100]} has a type, shape or place that cannot be")
    start, end = offsets
    if start > end or prod(shape) * bits != (end - start) * 8:
        raise FileRefused(reason=f"{name[:100]} is not as large as it says")
    return start, end


def _naturals(values: Any, most: int) -> bool:
    return (
        isinstance(values, list)
        and len(values) <= most
        and all(type(value) is int and 0 <= value < 1 << 48 for value in values)
    )
