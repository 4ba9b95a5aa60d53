"""The state a training goes on from, as safetensors: weights, moments, scalars, ema, what its word began as."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

import torch
from safetensors.torch import load, save

from engine.training.ema import EMA
from storage.errors import FileDamaged

AVERAGE, LOWEST = "average", "grid.lowest"
INITIALIZER = "initializer"
LEFT_TO_THE_RECIPE = ("lr", "peak_rate")  # set again before every step


def pack(
    parameters: Sequence[torch.nn.Parameter],
    optimizer: torch.optim.Optimizer,
    ema: EMA | None = None,
    lowest: float = float("inf"),
    initializer: str = "",
) -> bytes:
    """Everything in the parameters' order, and the lowest grid so far. The parameters must hold what learns.

    `initializer`: what the seal's own word began as (Dataset).
    """
    tensors = {**dict(_scalars(optimizer)), LOWEST: _held(lowest)}
    for number, parameter in enumerate(parameters):
        tensors[f"{number:05}.weight"] = _held(parameter)
        for name, value in optimizer.state[parameter].items():
            tensors[f"{number:05}.{name}"] = _held(value)
        if ema is not None:
            tensors[f"{number:05}.{AVERAGE}"] = _held(ema.shadow[number])
    if ema is not None:
        tensors["average.steps"] = torch.tensor(ema.steps)
    packed: bytes = save(tensors, metadata={INITIALIZER: initializer})
    return packed


def initializer_of(data: bytes) -> str | None:
    """What the word of a packed state began as; None where the state does not say. Raises FileDamaged."""
    try:
        length = int.from_bytes(data[:8], "little")
        facts = json.loads(data[8 : 8 + length]).get("__metadata__", {})
        return None if INITIALIZER not in facts else str(facts[INITIALIZER])
    except (ValueError, AttributeError) as error:
        raise FileDamaged from error


def unpack(
    data: bytes,
    parameters: Sequence[torch.nn.Parameter],
    optimizer: torch.optim.Optimizer,
    ema: EMA | None = None,
) -> float:
    """Puts everything back to the bit; returns the lowest grid. Raises FileDamaged when it does not fit."""
    try:
        tensors = load(data)
        for number, parameter in enumerate(parameters):
            own = {key[6:]: value for key, value in tensors.items() if key.startswith(f"{number:05}.")}
            parameter.data.copy_(own.pop("weight"))
            if ema is not None:
                ema.shadow[number].copy_(own.pop(AVERAGE))
            optimizer.state[parameter] = {name: _placed(value, parameter.device) for name, value in own.items()}
        if ema is not None:
            ema.steps = int(tensors["average.steps"])
        _put_back(tensors, optimizer)
        return float(tensors[LOWEST])
    except (KeyError, ValueError, RuntimeError) as error:
        raise FileDamaged from error


def _scalars(optimizer: torch.optim.Optimizer) -> Iterator[tuple[str, torch.Tensor]]:
    """What Prodigy and D-Adaptation know besides their moments: d, its sums, the count of steps; in fp64 and int64."""
    for number, group in enumerate(optimizer.param_groups):
        for name, value in group.items():
            if type(value) in (int, float) and name not in LEFT_TO_THE_RECIPE:
                yield f"group.{number}.{name}", _held(value)


def _put_back(tensors: dict[str, torch.Tensor], optimizer: torch.optim.Optimizer) -> None:
    for key, value in tensors.items():
        if key.startswith("group."):
            _, number, name = key.split(".", 2)
            optimizer.param_groups[int(number)][name] = value.item()


def _held(value: object) -> torch.Tensor:
    """On the CPU; a Python number in its own precision, by which `_placed` knows it again."""
    if isinstance(value, torch.Tensor):
        return value.detach().cpu().contiguous()
    return torch.tensor(value, dtype=torch.float64 if isinstance(value, float) else torch.int64)


def _placed(value: torch.Tensor, device: torch.device) -> object:
    if value.dim() == 0 and value.dtype in (torch.float64, torch.int64):
        return value.item()
    return value.to(device)
