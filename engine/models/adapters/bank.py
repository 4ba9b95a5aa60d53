"""The adapters of one model: which are attached, and which of them are active. Nobody else turns one on or off."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import torch

from engine.models.adapters.file import TEXT_PREFIXES, AdapterFile, read, write
from engine.models.adapters.learnt_tokens import TokenTable
from engine.models.adapters.lora import Lora
from engine.models.adapters.shape import Shape
from storage.errors import SealMisfit
from storage.records import ContentHash
from storage.requests import SealUse

KEPT = 4  # seals that stay attached after use
CLIP = "text_model"  # where files say a text encoder's layers are; transformers 5 has it in SDXL's second one only

Weights = Mapping[str, float]
"""Attached adapters by name, with the strength of each."""


class Bank:
    """Adapters lie beside the frozen base: LoRA on the U-Net, LoRA on the text encoders, learnt tokens."""

    def __init__(
        self, unet: Any, text_encoders: Sequence[Any], tokenizers: Sequence[Any], device: torch.device
    ) -> None:
        named = zip(TEXT_PREFIXES, text_encoders, strict=False)
        self.unet = Lora(unet)
        self.texts = [Lora(getattr(encoder, CLIP, encoder), f"{prefix}.{CLIP}.") for prefix, encoder in named]
        self.tokens = TokenTable(text_encoders, tokenizers, device)
        self.active: Weights = {}
        self._shapes: OrderedDict[str, Shape] = OrderedDict()  # of all that are attached, the last used last

    def attach(self, name: str, shape: Shape, seed: int) -> None:
        """A fresh adapter on the U-Net, the same for the same seed. Without targets it leaves the U-Net alone."""
        self._shapes[name] = shape
        if shape.targets:
            with _chance(seed):
                self.unet.attach(name, shape)
        self._switch()

    def attach_text(self, name: str, shape: Shape, seed: int) -> None:
        """The same on the text encoders."""
        with _chance(seed):
            for lora in self.texts:
                lora.attach(name, shape.on_text)
        self._switch()

    def parameters(self, name: str) -> dict[str, torch.nn.Parameter]:
        """An adapter's LoRA by its names in a file, in a fixed order: on the U-Net, then on the text encoders."""
        return {**self.unet.parameters(name), **self.text_parameters(name)}

    def text_parameters(self, name: str) -> dict[str, torch.nn.Parameter]:
        """The part of it on the text encoders."""
        return {key: one for lora in self.texts for key, one in lora.parameters(name).items()}

    def save(self, name: str) -> bytes:
        """An adapter as bytes; the same weights give the same bytes."""
        tokens = self.tokens.of(name)
        trigger, rows = ("", ()) if tokens is None else (tokens.trigger, tokens.rows)
        return write(AdapterFile(self._shapes[name], self.parameters(name), trigger, rows))

    def load(self, name: str, data: bytes) -> None:
        """Attaches what `save` wrote. Raises FileDamaged, or SealMisfit for a seal of another model."""
        adapter = read(data)
        if name in self._shapes:
            self.drop(name)
        on_text = {key for key in adapter.lora if key.startswith(TEXT_PREFIXES)}
        if not self.unet.has_layers(adapter.shape, adapter.lora.keys() - on_text):
            raise SealMisfit
        if adapter.tokens and not self.tokens.fit(adapter.tokens):
            raise SealMisfit
        try:
            self.attach(name, adapter.shape, seed=0)
            if on_text:
                self.attach_text(name, adapter.shape, seed=0)
            self._fill(name, adapter.lora)
        except BaseException:  # what is attached by half would be used as if it were whole
            self.drop(name)
            raise
        if adapter.tokens:
            self.tokens.put(name, adapter.trigger, adapter.tokens)

    def _fill(self, name: str, tensors: Mapping[str, torch.Tensor]) -> None:
        own = self.parameters(name)
        if {key: one.shape for key, one in own.items()} != {key: one.shape for key, one in tensors.items()}:
            raise SealMisfit
        for key, parameter in own.items():
            parameter.data.copy_(tensors[key])

    def attach_seals(self, seals: Sequence[SealUse], read_file: Callable[[ContentHash], bytes]) -> dict[str, float]:
        """What makes exactly these seals active; they are attached now at the latest, and some used before stay so."""
        names = {f"seal_{seal.adapter[:16]}": seal for seal in seals}
        for name, seal in names.items():
            if name in self._shapes:
                self._shapes.move_to_end(name)
            else:
                self.load(name, read_file(seal.adapter))
        others = [name for name in self._shapes if name.startswith("seal_") and name not in names]
        for name in others[: -KEPT or None]:
            self.drop(name)
        return {name: seal.weight for name, seal in names.items()}

    def drop(self, name: str) -> None:
        """Takes an adapter off the model for good."""
        self._shapes.pop(name, None)
        self.tokens.drop(name)
        for lora in (self.unet, *self.texts):
            lora.drop(name)
        self._switch()

    @contextmanager
    def activate(self, weights: Weights) -> Iterator[None]:
        """Exactly these adapters are active while the context is open; after it, those that were before."""
        before, self.active = self.active, dict(weights)
        try:
            self._switch()
            yield
        finally:
            self.active = before
            self._switch()

    def _switch(self) -> None:
        for lora in (self.unet, *self.texts):
            lora.activate(self.active)
        self.tokens.activate(self.active)

    def weight_of(self, layer: str) -> torch.Tensor:
        """The frozen weight of a layer, by its name in an adapter's file; fp32 on the CPU."""
        return next(lora for lora in (*self.texts, self.unet) if layer.startswith(lora.prefix)).weight_of(layer)


@contextmanager
def _chance(seed: int) -> Iterator[None]:
    """Torch's own chance, from a seed, and afterwards as if nobody had asked it."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        yield
