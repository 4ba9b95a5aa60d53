"""Reads the headers of .safetensors files: every tensor's name, type and shape, and what a file says of itself.

`read_all` runs in a limited child (storage.limited_child), so it imports next to nothing and believes nothing.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from storage.errors import FileRefused
from storage.limited_child import Limits, read_in_child

HEADER_LIMIT_BYTES = 32 << 20  # SDXL's is 0.3 MB; a sharded part has one of its own
TENSORS_LIMIT = 50_000  # the largest SDXL file with EMA has 4,400
LIMITS = Limits(memory_bytes=1 << 30, cpu_seconds=10, wall_seconds=20.0, result_bytes=32 << 20)
TOLD = (
    "modelspec.",
    "ss_v2",
    "ss_v_parameterization",
    "ss_zero_terminal_snr",
    "ss_base_model_version",
    "ss_resolution",
    "ss_network_module",
)
TOLD_LIMIT = 200  # characters of a value; what we look for is shorter


@dataclass(frozen=True)
class Tensor:
    """`dtype` as safetensors spells it (F16, BF16, F8_E4M3 …), `shape` in numbers."""

    dtype: str
    shape: tuple[int, ...]


@dataclass(frozen=True)
class Header:
    """What is in a file, without its numbers."""

    tensors: Mapping[str, Tensor]
    metadata: Mapping[str, str]

    def has(self, *names: str) -> bool:
        """Whether one of these tensors is there."""
        return any(name in self.tensors for name in names)

    def has_under(self, *prefixes: str) -> bool:
        """Whether a tensor's name begins with one of these."""
        return any(name.startswith(prefixes) for name in self.tensors)

    def shape(self, name: str) -> tuple[int, ...]:
        """A tensor's shape; empty where there is none of this name."""
        found = self.tensors.get(name)
        return found.shape if found else ()


def headers_of(paths: Sequence[Path]) -> tuple[Header, ...]:
    """The headers in the order of their files. Raises FileRefused, with `reason`, for what is no whole .safetensors."""
    found: list[list[Any]] = read_in_child(
        "engine.models.headers:read_all", *(str(path.resolve()) for path in paths), limits=LIMITS
    )
    return tuple(
        Header({name: Tensor(dtype, tuple(shape)) for name, dtype, shape in tensors}, metadata)
        for tensors, metadata in found
    )


def read_all(*paths: str) -> list[tuple[list[tuple[str, str, list[int]]], dict[str, str]]]:
    """(name, dtype, shape) of every tensor, and the metadata that is looked at, file by file. Raises FileRefused."""
    return [_read(Path(path)) for path in paths]


def _read(path: Path) -> tuple[list[tuple[str, str, list[int]]], dict[str, str]]:
    with path.open("rb") as file:
        length, size = int.from_bytes(file.read(8), "little"), path.stat().st_size
        if not 2 <= length <= min(HEADER_LIMIT_BYTES, size - 8):
            raise FileRefused(reason="it is no .safetensors")
        header = file.read(length)
    if not header.startswith(b"{"):
        raise FileRefused(reason="it is no .safetensors")
    try:
        entries: dict[str, Any] = json.loads(header)
    except (ValueError, RecursionError) as error:
        raise FileRefused(reason="it is no .safetensors") from error
    metadata = entries.pop("__metadata__", {})
    if len(entries) > TENSORS_LIMIT:
        raise FileRefused(reason="it holds too many tensors")
    tensors = [(name, str(one["dtype"]), [int(side) for side in one["shape"]]) for name, one in entries.items()]
    if max((int(one["data_offsets"][1]) for one in entries.values()), default=0) != size - 8 - length:
        raise FileRefused(reason="it is cut off")
    return tensors, {name: str(value)[:TOLD_LIMIT] for name, value in metadata.items() if name.startswith(TOLD)}
