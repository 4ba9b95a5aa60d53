"""The state a training goes on from, as safetensors: adapter, the optimizer's moments, the step. No pickles."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from safetensors.torch import load, save

from storage.errors import FileDamaged


def pack(parameters: Sequence[torch.nn.Parameter], optimizer: torch.optim.Optimizer) -> bytes:
    """Parameters and optimizer state, in the parameters' order."""
    tensors: dict[str, torch.Tensor] = {}
    for number, parameter in enumerate(parameters):
        tensors[f"{number:05}.weight"] = parameter.detach().cpu().contiguous()
        for name, value in optimizer.state[parameter].items():
            tensors[f"{number:05}.{name}"] = torch.as_tensor(value).detach().cpu().contiguous()
    packed: bytes = save(tensors)
    return packed


def unpack(data: bytes, parameters: Sequence[torch.nn.Parameter], optimizer: torch.optim.Optimizer) -> None:
    """Puts everything back to the bit. Raises FileDamaged when it does not fit."""
    try:
        tensors = load(data)
        for number, parameter in enumerate(parameters):
            own = {key[6:]: value for key, value in tensors.items() if key.startswith(f"{number:05}.")}
            parameter.data.copy_(own.pop("weight"))
            optimizer.state[parameter] = {
                name: value if name == "step" else value.to(parameter.device) for name, value in own.items()
            }
    except (KeyError, ValueError, RuntimeError) as error:
        raise FileDamaged from error
