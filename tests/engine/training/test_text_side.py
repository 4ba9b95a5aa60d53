"""Training the text encoders: adapters on them and learnt tokens, which never mark the base."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest
import torch
from safetensors.torch import load, save

from engine.models.machine import Machine
from engine.models.text.encoder import encode
from engine.training import validation_loss
from engine.training.captions import CachedCaptions
from engine.training.dataset import prepare
from engine.training.loop import Loop
from engine.training.text_side import LearningText, text_side
from storage.errors import RecipeRefused, SealMisfit
from storage.requests import TrainingRequest
from tests.engine.sealing import Memory, base_hash, small_training
from tests.engine.tiny_models import FAMILIES, tiny_machine

WAYS: dict[str, dict[str, object]] = {
    "text encoder": {"text_encoder_learning_rate": 1e-2},
    "text encoder with DoRA": {"text_encoder_learning_rate": 1e-2, "use_dora": True},
    "pivotal": {"new_tokens": 2, "token_learning_rate": 1e-2},
    "pivotal and text encoder": {"new_tokens": 3, "token_learning_rate": 1e-2, "text_encoder_learning_rate": 1e-2},
    "tokens that stay": {"new_tokens": 1, "token_learning_rate": 0.0, "initializers": ("neon sign",)},
    "textual inversion": {"new_tokens": 2, "token_learning_rate": 5e-2, "lora": False},
}
PROMPT = "a guitar, ohwx"


@contextmanager
def training(machine: Machine, request: TrainingRequest, files: Memory) -> Iterator[Loop]:
    dataset = prepare(machine, request.pictures, files.files.__getitem__, request.recipe, request.trigger)
    loop = Loop(
        machine, dataset, request.recipe, "loop", text_side(machine, dataset, request.recipe, "loop", request.trigger)
    )
    try:
        yield loop
    finally:
        loop.close()


def grid(loop: Loop) -> float:
    """The validation loss as it stands."""
    work = validation_loss.measuring(loop)
    while True:
        try:
            next(work)
        except StopIteration as end:
            return float(end.value)


def run(loop: Loop, steps: int) -> None:
    """Trains up to this step."""
    while loop.step < steps:
        for _ in loop.run_step():
            pass


def text_hash(machine: Machine) -> str:
    """sha256 over every weight of the text encoders that is no adapter's."""
    digest = hashlib.sha256()
    for encoder in machine.text_encoders:
        for key, tensor in sorted(encoder.state_dict().items()):
            if "lora_" not in key:
                digest.update(key.replace(".base_layer", "").encode() + tensor.contiguous().numpy().tobytes())
    return digest.hexdigest()


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS.keys())
def test_every_way_of_training_text_lowers_the_validation_grid_and_leaves_the_base_alone(
    family: str, way: dict[str, object]
) -> None:
    machine, files = tiny_machine(family), Memory()
    before = text_hash(machine), base_hash(machine), encode(machine, [PROMPT]).hidden
    with training(machine, small_training(files, steps=24, **way), files) as loop:
        begun = grid(loop)
        run(loop, 24)
        assert grid(loop) < begun
    assert (text_hash(machine), base_hash(machine)) == before[:2]
    assert torch.equal(encode(machine, [PROMPT]).hidden, before[2])


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS.keys())
def test_a_seal_keeps_what_the_text_encoders_learnt(family: str, way: dict[str, object]) -> None:
    machine, files = tiny_machine(family), Memory()
    bare = encode(machine, [PROMPT]).hidden
    with training(machine, small_training(files, **way), files) as loop:
        run(loop, 6)
        with loop.active():
            taught = encode(machine, [PROMPT])
        data = machine.bank.save(loop.name)
    machine.bank.load("again", data)
    with machine.bank.activate({"again": 1.0}):
        again = encode(machine, [PROMPT])
    assert machine.bank.save("again") == data
    machine.bank.drop("again")
    assert torch.equal(again.hidden, taught.hidden)
    assert (again.pooled is None) or (taught.pooled is not None and torch.equal(again.pooled, taught.pooled))
    assert not torch.equal(taught.hidden, bare)


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS.keys())
def test_a_training_of_text_goes_on_to_the_same_bytes(way: dict[str, object]) -> None:
    machine, files = tiny_machine("sdxl"), Memory()
    request = small_training(files, **way)
    with training(machine, request, files) as loop:
        run(loop, 3)
        state = loop.state()
        run(loop, 6)
        whole = machine.bank.save(loop.name)
    with training(machine, request, files) as loop:
        loop.go_on_from(3, state)
        run(loop, 6)
        assert machine.bank.save(loop.name) == whole


@pytest.mark.parametrize("family", FAMILIES)
def test_captions_encoded_together_say_what_the_cache_says(family: str) -> None:
    machine, files = tiny_machine(family), Memory()
    request = small_training(files, text_encoder_learning_rate=1e-2, shuffle_caption=True)
    dataset = prepare(machine, request.pictures, files.files.__getitem__, request.recipe, request.trigger)
    fresh = LearningText(machine, dataset, request.recipe, "fresh", request.trigger)
    captions, dropped = torch.tensor([5, 0, 5, 9]), torch.tensor([False, False, False, True])
    with machine.bank.activate({"fresh": 1.0}):
        said = fresh.condition(captions, dropped)
    machine.bank.drop("fresh")
    cached = CachedCaptions(dataset).condition(captions, dropped)
    assert torch.allclose(said.hidden, cached.hidden, atol=1e-5)  # B is zero: nothing learnt yet
    assert said.hidden.requires_grad
    if said.pooled is not None and cached.pooled is not None:
        assert torch.allclose(said.pooled, cached.pooled, atol=1e-5)


def test_learnt_tokens_need_a_trigger() -> None:
    machine, files = tiny_machine("sd1"), Memory()
    request = small_training(files, new_tokens=2)
    dataset = prepare(machine, request.pictures, files.files.__getitem__)
    with pytest.raises(RecipeRefused):
        text_side(machine, dataset, request.recipe, "loop", "")


def test_without_anything_to_learn_the_captions_are_the_cached_ones() -> None:
    machine, files = tiny_machine("sd1"), Memory()
    request = small_training(files)
    dataset = prepare(machine, request.pictures, files.files.__getitem__)
    assert isinstance(text_side(machine, dataset, request.recipe, "loop", "ohwx"), CachedCaptions)


@pytest.mark.parametrize("way", [WAYS["text encoder"], WAYS["textual inversion"]], ids=["text encoder", "tokens"])
def test_a_seal_of_text_encoders_of_another_width_is_refused_and_leaves_no_trace(way: dict[str, object]) -> None:
    machine, files = tiny_machine("sd1"), Memory()
    with training(machine, small_training(files, **way), files) as loop:
        data = machine.bank.save(loop.name)
    tensors, length = load(data), int.from_bytes(data[:8], "little")
    narrower = {
        key: value[:, 1:].contiguous() if key.startswith(("text_encoder", "word.")) else value
        for key, value in tensors.items()
    }
    header = json.loads(data[8 : 8 + length])["__metadata__"]
    before, bare = text_hash(machine), encode(machine, [PROMPT]).hidden
    with pytest.raises(SealMisfit):
        machine.bank.load("foreign", save(narrower, metadata=header))
    assert (text_hash(machine), machine.bank.tokens.of("foreign")) == (before, None)
    with machine.bank.activate({"foreign": 1.0}):
        assert torch.equal(encode(machine, [PROMPT]).hidden, bare)
    machine.bank.load("foreign", data)
    machine.bank.drop("foreign")


@pytest.mark.parametrize("trigger", ["lum", "ana"])
def test_what_is_preserved_is_the_caption_without_the_trigger_and_every_other_word_of_it(trigger: str) -> None:
    machine, files = tiny_machine("sd1"), Memory()
    request = small_training(files, prior_weight=1.0)
    pictures = [replace(one, caption=f"a plum banana, {trigger.title()}") for one in request.pictures]
    dataset = prepare(machine, pictures, files.files.__getitem__, request.recipe, trigger)
    assert dataset.bare_captions is not None
    expected = encode(machine, ["a plum banana"]).hidden
    assert torch.equal(dataset.bare_captions.hidden[:1], expected)
