"""LoRA adapters beside the frozen base: attach, save, load, wear, drop. The base weights are never written.

An adapter's bytes are safetensors with PEFT's keys and its configuration in the header. The U-Net's keys are bare; the
text encoders' begin with `text_encoder.` and `text_encoder_2.`, a learnt word's rows are `word.0` and `word.1`.
"""

from __future__ import annotations

import json
import math
import warnings
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from typing import Any
from weakref import WeakKeyDictionary

import torch
from peft import LoraConfig, get_peft_model_state_dict, set_peft_model_state_dict
from peft.tuners.tuners_utils import BaseTunerLayer
from peft.utils.other import get_pattern_key
from safetensors.torch import load as load_tensors
from safetensors.torch import save as save_tensors

from engine.models import text_adapters, words
from engine.models.machine import Machine
from storage.errors import FileDamaged, SealMisfit
from storage.recipe import Recipe
from storage.records import ContentHash
from storage.requests import SealUse

KEPT = 4  # adapters that stay attached after use
HEADER = "styleseal.adapter"
WORD = "word."


@dataclass(frozen=True)
class Shape:
    """What an adapter is made of. The patterns are PEFT's: regular expression of module names → rank or alpha."""

    rank: int
    alpha: int
    targets: tuple[str, ...]
    use_rslora: bool = False
    use_dora: bool = False
    rank_pattern: dict[str, int] = field(default_factory=dict)
    alpha_pattern: dict[str, int] = field(default_factory=dict)

    @classmethod
    def of(cls, recipe: Recipe) -> Shape:
        """The shape a recipe asks for."""
        return cls(
            rank=recipe.rank,
            alpha=recipe.alpha,
            targets=recipe.targets,
            use_rslora=recipe.use_rslora,
            use_dora=recipe.use_dora,
            rank_pattern=dict(recipe.rank_pattern),
            alpha_pattern=dict(recipe.alpha_pattern),
        )

    @property
    def scale(self) -> float:
        """alpha / rank, or alpha / √rank under rsLoRA (Kalajdzievski 2023, arXiv 2312.03732), without patterns."""
        return self._scale(self.rank, self.alpha)

    def rank_of(self, module: str) -> int:
        """The rank in one module, by its dotted name."""
        return self.rank_pattern.get(get_pattern_key(self.rank_pattern, module), self.rank)

    def scale_of(self, module: str) -> float:
        """The factor on B·A in one module, by its dotted name."""
        alpha = self.alpha_pattern.get(get_pattern_key(self.alpha_pattern, module), self.alpha)
        return self._scale(self.rank_of(module), alpha)

    def _scale(self, rank: int, alpha: int) -> float:
        return alpha / (math.sqrt(rank) if self.use_rslora else rank)

    def config(self) -> LoraConfig:
        """As PEFT wants it. The initialisation writes nothing into the base."""
        return LoraConfig(
            r=self.rank,
            lora_alpha=self.alpha,
            target_modules=list(self.targets),
            use_rslora=self.use_rslora,
            use_dora=self.use_dora,
            rank_pattern=self.rank_pattern,
            alpha_pattern=self.alpha_pattern,
            init_lora_weights="gaussian",
        )


_attached: WeakKeyDictionary[Machine, OrderedDict[str, Shape]] = WeakKeyDictionary()
_bearing: WeakKeyDictionary[Machine, list[BaseTunerLayer]] = WeakKeyDictionary()  # forgotten when one is attached


def attach(machine: Machine, name: str, shape: Shape, seed: int) -> None:
    """A fresh adapter in fp32, the same for the same seed, not worn yet. Without targets it leaves the U-Net alone."""
    _shapes(machine)[name] = shape
    if not shape.targets:
        return
    with torch.random.fork_rng(devices=[]), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Already found a `peft_config`")  # several side by side are meant
        torch.manual_seed(seed)
        machine.unet.add_adapter(shape.config(), adapter_name=name)
    _bearing.pop(machine, None)
    for parameter in parameters(machine, name):
        parameter.data = parameter.data.float()
    _take_off(machine)


def attach_text(machine: Machine, name: str, shape: Shape, seed: int) -> None:
    """The same on the text encoders, which patterns of the U-Net's names do not mean."""
    config = replace(shape, targets=text_adapters.TARGETS, rank_pattern={}, alpha_pattern={}).config()
    text_adapters.attach(machine, name, config, seed)
    _bearing.pop(machine, None)
    _take_off(machine)


def parameters(machine: Machine, name: str) -> list[torch.nn.Parameter]:
    """The adapter's own tensors, in a fixed order."""
    return list(named_parameters(machine, name).values())


def named_parameters(machine: Machine, name: str) -> dict[str, torch.nn.Parameter]:
    """The adapter's own tensors by their names in the U-Net, in a fixed order."""
    found = {
        key: value for key, value in machine.unet.named_parameters() if f".{name}." in key or key.endswith(f".{name}")
    }
    return dict(sorted(found.items()))


def save(machine: Machine, name: str) -> bytes:
    """The adapter as bytes; the same weights give the same bytes."""
    shape, word = _shapes(machine)[name], words.of(machine, name)
    tensors, facts = _tensors(machine, name), asdict(shape)
    if word is not None:
        tensors.update({f"{WORD}{number}": rows for number, rows in enumerate(word.rows)})
        facts["trigger"] = word.trigger
    ordered = {key: tensors[key].detach().float().cpu().contiguous() for key in sorted(tensors)}
    data: bytes = save_tensors(ordered, metadata={HEADER: json.dumps(facts, sort_keys=True)})
    return data


def _tensors(machine: Machine, name: str) -> dict[str, torch.Tensor]:
    """What an adapter has learnt on U-Net and text encoders, by the names in its bytes; no learnt word."""
    on_unet = get_peft_model_state_dict(machine.unet, adapter_name=name) if _shapes(machine)[name].targets else {}
    return {**on_unet, **text_adapters.named_parameters(machine, name)}


def read(data: bytes) -> tuple[Shape, dict[str, torch.Tensor]]:
    """Shape and tensors of an adapter's bytes. Raises FileDamaged for anything else."""
    try:
        facts = _header(data)
        facts.pop("trigger", None)
        return Shape(**{**facts, "targets": tuple(facts["targets"])}), load_tensors(data)
    except (KeyError, ValueError, TypeError) as error:
        raise FileDamaged from error


def read_word(data: bytes) -> tuple[str, list[torch.Tensor]] | None:
    """Trigger and rows (n, C) an encoder of the learnt word in an adapter's bytes."""
    tensors = load_tensors(data)
    rows = [tensors[key] for key in sorted(tensors) if key.startswith(WORD)]
    return (str(_header(data)["trigger"]), rows) if rows else None


def _header(data: bytes) -> dict[str, Any]:
    length = int.from_bytes(data[:8], "little")
    facts: dict[str, Any] = json.loads(json.loads(data[8 : 8 + length])["__metadata__"][HEADER])
    return facts


def load(machine: Machine, name: str, data: bytes) -> None:
    """Attaches what `save` wrote, not worn yet. Raises FileDamaged, or SealMisfit for a seal of another model."""
    shape, tensors = read(data)
    word = read_word(data)
    if name in _shapes(machine):
        drop(machine, name)
    learnt = {key: value for key, value in tensors.items() if not key.startswith(WORD)}
    on_text = {key: value for key, value in learnt.items() if key.startswith(text_adapters.PREFIXES)}
    on_unet = {key: value for key, value in learnt.items() if key not in on_text}
    if not _has_places(machine, shape, on_unet) or (word is not None and not words.fits(machine, word[1])):
        raise SealMisfit
    try:
        attach(machine, name, shape, seed=0)
        if on_text:
            attach_text(machine, name, shape, seed=0)
        if _sizes(learnt) != _sizes(_tensors(machine, name)):
            raise SealMisfit
        if shape.targets:
            set_peft_model_state_dict(machine.unet, on_unet, adapter_name=name)
        text_adapters.put(machine, name, on_text)
    except BaseException:  # what is attached by half would be worn as if it were whole
        drop(machine, name)
        raise
    if word is not None:
        rows = tuple(torch.nn.Parameter(one.to(machine.device)) for one in word[1])
        words.know(machine, name, words.Word(word[0], rows))
    _take_off(machine)


def _sizes(tensors: Mapping[str, torch.Tensor]) -> dict[str, torch.Size]:
    return {key: value.shape for key, value in tensors.items()}


def _has_places(machine: Machine, shape: Shape, own: Mapping[str, torch.Tensor]) -> bool:
    """Whether the U-Net has every layer that the tensors are of, and no other that the targets mean.

    PEFT leaves out what it has no place for, and a U-Net on which it found no place at all is left half changed.
    """
    endings = tuple(f".{target}" for target in shape.targets)
    meant = {name for name, _ in machine.unet.named_modules() if f".{name}".endswith(endings)}
    return {key.split(".lora_")[0] for key in own} == meant


def drop(machine: Machine, name: str) -> None:
    """Takes an adapter off the model for good."""
    _shapes(machine).pop(name, None)
    words.forget(machine, name)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Adapter .* was active")  # another becomes so, and is taken off below
        text_adapters.drop(machine, name)
        machine.unet.delete_adapters(name)
    # diffusers sets it before it attaches: after a first one that failed, the next would look for what is not there
    machine.unet._hf_peft_config_loaded = hasattr(machine.unet, "peft_config")
    _take_off(machine)


@contextmanager
def using(machine: Machine, weights: Mapping[str, float]) -> Iterator[None]:
    """Exactly these adapters at these strengths while the context is open; the bare model after it."""
    for layer in _layers(machine):
        worn_here = [name for name in weights if name in layer.scaling]
        if not worn_here:
            _silence(layer)
            continue
        if layer.active_adapters != worn_here:
            layer.set_adapter(worn_here)
        layer.enable_adapters(True)
        for name in worn_here:
            layer.set_scale(name, weights[name])  # times alpha / rank of this very module
    try:
        with words.worn(machine, {name: weight for name, weight in weights.items() if weight > 0}):
            yield
    finally:
        _take_off(machine)


@contextmanager
def worn(machine: Machine, seals: Sequence[SealUse], read_file: Callable[[ContentHash], bytes]) -> Iterator[None]:
    """Exactly these seals are on while the context is open; without any, the bare model."""
    shapes = _shapes(machine)
    names = {f"seal_{seal.adapter[:16]}": seal for seal in seals}
    for name, seal in names.items():
        if name in shapes:
            shapes.move_to_end(name)
        else:
            load(machine, name, read_file(seal.adapter))
    for old in [name for name in shapes if name.startswith("seal_") and name not in names][: -KEPT or None]:
        drop(machine, old)
    with using(machine, {name: seal.weight for name, seal in names.items()}):
        yield


def _layers(machine: Machine) -> list[BaseTunerLayer]:
    """Every module that bears adapters. Looked up once: a training step asks twice, and has few milliseconds."""
    if machine not in _bearing:
        parts = (machine.unet, *machine.text_encoders)
        _bearing[machine] = [m for part in parts for m in part.modules() if isinstance(m, BaseTunerLayer)]
    return _bearing[machine]


def _silence(layer: BaseTunerLayer) -> None:
    if not layer.disable_adapters:
        layer.enable_adapters(False)


def _take_off(machine: Machine) -> None:
    for layer in _layers(machine):
        _silence(layer)


def _shapes(machine: Machine) -> OrderedDict[str, Shape]:
    return _attached.setdefault(machine, OrderedDict())
