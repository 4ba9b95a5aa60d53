"""Adapters beside the frozen base: active exactly as said, dropped without a trace, the same bytes out and in."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

import pytest
import torch
from peft.tuners.lora.layer import LoraLayer
from safetensors.torch import load, save

from engine.models.adapters.bank import KEPT
from engine.models.adapters.file import HEADER, read
from engine.models.adapters.shape import Shape
from engine.models.machine import Machine
from storage.errors import FileDamaged, SealMisfit
from storage.records import ContentHash
from storage.requests import SealUse
from tests.engine.sealing import ATTENTION, WIDE, base_hash, content_hash, lively_adapter
from tests.engine.tiny_models import tiny_machine

SHAPE = Shape(4, 2, WIDE)


@torch.no_grad()
def predicted(machine: Machine) -> torch.Tensor:
    chance = torch.Generator().manual_seed(0)
    latents, hidden = torch.randn(1, 4, 8, 8, generator=chance), torch.randn(1, 24, 32, generator=chance)
    found: torch.Tensor = machine.unet(latents, 500, encoder_hidden_states=hidden, return_dict=False)[0]
    return found


def attached(machine: Machine) -> set[str]:
    return set(getattr(machine.unet, "peft_config", {}))


def test_an_adapter_comes_out_of_its_bytes_with_the_same_bytes() -> None:
    machine = tiny_machine("sd1")
    data = lively_adapter(machine, SHAPE)
    machine.bank.load("again", data)
    assert machine.bank.save("again") == data
    machine.bank.drop("again")
    assert read(data).shape == SHAPE


def test_the_same_seed_attaches_the_same_adapter_and_leaves_chance_alone() -> None:
    machine, saved = tiny_machine("sd1"), []
    for seed in (3, 3, 4):
        before = torch.get_rng_state()
        machine.bank.attach("fresh", SHAPE, seed=seed)
        assert torch.equal(torch.get_rng_state(), before)
        saved.append(machine.bank.save("fresh"))
        machine.bank.drop("fresh")
    assert saved[0] == saved[1] != saved[2]


def test_an_active_and_a_dropped_adapter_leave_the_base_to_the_bit() -> None:
    machine = tiny_machine("sd1")
    weights, bare = base_hash(machine), predicted(machine)
    machine.bank.load("seal", lively_adapter(machine, SHAPE))
    assert torch.equal(predicted(machine), bare)  # attached is not active
    with machine.bank.activate({"seal": 1.0}):
        assert not torch.allclose(predicted(machine), bare, atol=1e-3)
    assert torch.equal(predicted(machine), bare)
    machine.bank.drop("seal")
    assert torch.equal(predicted(machine), bare)
    assert base_hash(machine) == weights


@pytest.mark.parametrize("use_rslora", [False, True])
def test_strength_scales_what_the_adapter_adds(use_rslora: bool) -> None:
    machine = tiny_machine("sd1")
    shape = Shape(4, 2, ("to_v",), use_rslora=use_rslora)
    machine.bank.load("seal", lively_adapter(machine, shape))
    layer = next(module for name, module in machine.unet.named_modules() if name.endswith("attn1.to_v"))
    x = torch.randn(1, 5, layer.in_features, generator=torch.Generator().manual_seed(2))
    added = []
    for strength in (0.0, 0.5, 1.0):
        with torch.no_grad(), machine.bank.activate({"seal": strength}):
            added.append(layer(x) - layer.base_layer(x))
    machine.bank.drop("seal")
    assert torch.allclose(added[0], torch.zeros_like(added[0]), atol=1e-6)
    assert torch.allclose(2 * added[1], added[2], atol=1e-5)
    assert shape.scale == (1.0 if use_rslora else 0.5)


def test_two_adapters_are_active_together_and_one_alone_is_not_disturbed_by_the_other() -> None:
    machine = tiny_machine("sd1")
    machine.bank.load("one", lively_adapter(machine, SHAPE))
    with machine.bank.activate({"one": 1.0}):
        alone = predicted(machine)
    machine.bank.load("two", lively_adapter(machine, Shape(2, 2, ATTENTION)))
    with machine.bank.activate({"one": 1.0}):
        assert torch.equal(predicted(machine), alone)
    with machine.bank.activate({"one": 1.0, "two": 1.0}):
        assert not torch.allclose(predicted(machine), alone, atol=1e-3)
    for name in ("one", "two"):
        machine.bank.drop(name)


def test_an_adapter_attached_meanwhile_changes_nothing_and_afterwards_the_outer_one_is_active_again() -> None:
    machine = tiny_machine("sd1")
    small = lively_adapter(machine, Shape(2, 2, ATTENTION))
    machine.bank.load("one", lively_adapter(machine, SHAPE))
    with machine.bank.activate({"one": 0.5}):
        alone = predicted(machine)
        machine.bank.load("two", small)
        assert torch.equal(predicted(machine), alone)
        with machine.bank.activate({"two": 1.0}):
            assert not torch.allclose(predicted(machine), alone, atol=1e-3)
        assert torch.equal(predicted(machine), alone)
        machine.bank.drop("two")
        assert torch.equal(predicted(machine), alone)
    machine.bank.drop("one")


def test_an_error_inside_deactivates_the_adapter_too() -> None:
    machine = tiny_machine("sd1")
    bare = predicted(machine)
    machine.bank.load("seal", lively_adapter(machine, SHAPE))
    with pytest.raises(ZeroDivisionError), machine.bank.activate({"seal": 1.0}):
        raise ZeroDivisionError
    assert torch.equal(predicted(machine), bare)
    machine.bank.drop("seal")


def test_seals_stay_attached_after_use_but_only_the_last_few() -> None:
    machine = tiny_machine("sd1")
    files: dict[ContentHash, bytes] = {}
    for number in range(KEPT + 3):
        data = lively_adapter(machine, SHAPE, strength=0.1 + 0.01 * number)
        files[content_hash(data)] = data
    reads: list[ContentHash] = []

    def read_file(file: ContentHash) -> bytes:
        reads.append(file)
        return files[file]

    for file in [*files, list(files)[-1]]:
        active = machine.bank.attach_seals([SealUse(adapter=file, weight=0.5)], read_file)
        assert active.keys() <= attached(machine)
        assert list(active.values()) == [0.5]
    assert reads == list(files)  # the last one was still there
    seals = {name for name in attached(machine) if name.startswith("seal_")}
    assert len(seals) <= KEPT + 1
    for name in seals:
        machine.bank.drop(name)


@pytest.mark.parametrize("data", [b"", b"\x02\x00\x00\x00\x00\x00\x00\x00{}", b"\xff" * 64])
def test_bytes_that_are_no_adapter_are_refused(data: bytes) -> None:
    with pytest.raises(FileDamaged):
        read(data)


@pytest.mark.parametrize(
    ("made_on", "shape"),
    [
        ("sdxl", Shape(4, 4, ATTENTION)),
        ("sd2", SHAPE),
        ("sd1", SHAPE),
        ("sd1", Shape(2, 2, ("no_such_layer",))),
    ],
)
def test_a_seal_of_another_model_is_refused_and_leaves_no_trace(made_on: str, shape: Shape) -> None:
    machine = tiny_machine("sd1")
    if made_on == "sd1":
        tensors = {key: value[..., :1].contiguous() for key, value in load(lively_adapter(machine, SHAPE)).items()}
        data = save(tensors, metadata={HEADER: json.dumps(asdict(shape))})
    else:
        data = lively_adapter(tiny_machine(made_on), shape)
    weights, bare = base_hash(machine), predicted(machine)
    with pytest.raises(SealMisfit):
        machine.bank.load("foreign", data)
    assert "foreign" not in attached(machine)
    assert torch.equal(predicted(machine), bare)
    assert base_hash(machine) == weights
    machine.bank.load("foreign", lively_adapter(machine, SHAPE))
    machine.bank.drop("foreign")


@pytest.mark.parametrize("layer", [1, 3, 10])
def test_memory_that_runs_out_is_called_so_and_nothing_stays_attached_by_half(
    monkeypatch: pytest.MonkeyPatch, layer: int
) -> None:
    machine = tiny_machine("sd1")
    data, bare, whole, asked = lively_adapter(machine, SHAPE), predicted(machine), LoraLayer.update_layer, []

    def until_full(self: LoraLayer, *arguments: Any, **named: Any) -> None:
        asked.append(self)
        if len(asked) == layer:
            raise torch.OutOfMemoryError
        whole(self, *arguments, **named)

    with monkeypatch.context() as patched:
        patched.setattr(LoraLayer, "update_layer", until_full)
        with pytest.raises(torch.OutOfMemoryError):
            machine.bank.load("large", data)
    assert "large" not in attached(machine)
    assert torch.equal(predicted(machine), bare)
    machine.bank.load("large", data)
    assert machine.bank.save("large") == data
    machine.bank.drop("large")
