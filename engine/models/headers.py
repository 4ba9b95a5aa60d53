"""Reads the headers of .safetensors files: every tensor's name, type and shape, and what a file says of itself.

`read_all` runs in a limited child (storage.limited_child); engine.models.tensor_header says what it may believe.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine.models.tensor_header import entries
from storage.limited_child import Limits, read_in_child

LIMITS = Limits(memory_bytes=1 << 30, cpu_seconds=10, wall_seconds=20.0, result_bytes=32 << 20)
DECLARED = (
    "modelspec.",
    "ss_v2",
    "ss_v_parameterization",
    "ss_zero_terminal_snr",
    "ss_base_model_version",
    "ss_resolution",
    "ss_network_module",
)
DECLARED_LIMIT = 200  # characters of a value; what we look for is shorter


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
    found, metadata = entries(str(path))
    tensors = [(name, one["dtype"], one["shape"]) for name, one in found.items()]
    return tensors, {name: value[:DECLARED_LIMIT] for name, value in metadata.items() if name.startswith(DECLARED)}
