"""LoRA on one network, beside its frozen weights, which are never written. Knows PEFT, not what the network is for."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Mapping
from typing import Any

import torch
from peft.functional import delete_adapter, inject_adapter_in_model
from peft.tuners.tuners_utils import BaseTunerLayer

from engine.models.adapters.shape import Shape

KEY = "lora_"  # begins all that LoRA adds to a layer


class Lora:
    """The adapters on one network. `prefix` begins the names of its layers in a file."""

    def __init__(self, network: Any, prefix: str = "") -> None:
        self.network, self.prefix = network, prefix
        self._found: list[BaseTunerLayer] | None = None

    def attach(self, name: str, shape: Shape) -> None:
        """A fresh adapter in fp32, as torch's chance has it."""
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "Already found a `peft_config`")  # several side by side are meant
            inject_adapter_in_model(shape.config(), self.network, name)
        self._found = None
        for parameter in self.parameters(name).values():
            parameter.data = parameter.data.float()

    def parameters(self, name: str) -> dict[str, torch.nn.Parameter]:
        """An adapter's own tensors by their names in a file, in a fixed order."""
        own = [one for one in self.network.named_parameters() if f".{name}." in one[0] or one[0].endswith(f".{name}")]
        return dict(sorted((self.prefix + _in_file(key, name), value) for key, value in own))

    def has_layers(self, shape: Shape, keys: Iterable[str]) -> bool:
        """Whether the network has every layer that tensors of these names are of, and no other that the targets mean.

        PEFT leaves out what it has no place for, and a network on which it found no place at all is left half changed.
        """
        endings = tuple(f".{target}" for target in shape.targets)
        meant = {self.prefix + name for name, _ in self.network.named_modules() if f".{name}".endswith(endings)}
        return {key.split(f".{KEY}")[0] for key in keys} == meant

    def drop(self, name: str) -> None:
        """Takes an adapter off for good, also one that is attached by half."""
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "Adapter .* was active")  # the Bank says which are
            delete_adapter(self.network, name, KEY)
        configs = getattr(self.network, "peft_config", {})
        configs.pop(name, None)
        if not configs and hasattr(self.network, "peft_config"):
            del self.network.peft_config  # bare again, also for those who look for PEFT's marks

    def activate(self, weights: Mapping[str, float]) -> None:
        """Exactly these adapters, as far as they are on a layer, at these strengths."""
        for layer in self._layers():
            active = [name for name in weights if name in layer.scaling]
            if not active:
                if not layer.disable_adapters:
                    layer.enable_adapters(False)
                continue
            if layer.active_adapters != active:
                layer.set_adapter(active)
            layer.enable_adapters(True)
            for name in active:
                layer.set_scale(name, weights[name])  # times alpha / rank of this very layer

    def weight_of(self, layer: str) -> torch.Tensor:
        """The frozen weight of a layer, by its name in a file; fp32 on the CPU."""
        found = self.network.get_submodule(layer.removeprefix(self.prefix))
        weight: torch.Tensor = getattr(found, "base_layer", found).weight
        return weight.detach().float().cpu()

    def _layers(self) -> list[BaseTunerLayer]:
        """Every layer that bears adapters. Looked up once: a training step asks twice, and has few milliseconds."""
        if self._found is None:
            self._found = [layer for layer in self.network.modules() if isinstance(layer, BaseTunerLayer)]
        return self._found


def _in_file(key: str, name: str) -> str:
    """PEFT's own name of a tensor in a file: without the adapter's, and without `.weight` after DoRA's magnitude."""
    plain = key.replace(f".{name}", "")
    return plain.removesuffix(".weight") if "lora_magnitude_vector" in plain else plain
