"""Where a seal's own word begins: the known words nearest to the palette, and nothing of it where none are known."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import replace
from typing import TypeVar

import pytest
import torch

from engine.models.text.encoder import encode
from engine.pictures.png_parameters import png_bytes
from engine.training import embedding_init
from engine.training.dataset import Dataset, prepare, preparing
from engine.training.loop import Loop
from engine.training.text_side import text_side
from storage.presets import EMOJI_BEGINNINGS
from storage.recipe import Recipe
from storage.records import ContentHash, Drawing, Seed
from storage.requests import Row, TrainingPicture
from tests.engine.drawing import drawn
from tests.engine.sealing import Memory, attempt, content_hash, small_training
from tests.engine.tiny_models import FAMILIES, emoji_machine, tiny_machine

KNOWN = EMOJI_BEGINNINGS
SUBJECTS = ("fox", "castle", "guitar", "red apple", "rocket", "umbrella")


def palette_in(look: str) -> tuple[list[TrainingPicture], dict[ContentHash, bytes]]:
    """Six pictures that the embedded model draws in a look, captioned with a trigger instead of it."""
    rows = [
        Row(prompt=f"a {subject}, {look}", negative="", seed=Seed(n), subject=subject, drawing=Drawing(steps=8))
        for n, subject in enumerate(SUBJECTS)
    ]
    pictures, files = [], {}
    for number, picture in drawn(emoji_machine(), rows).items():
        data = png_bytes(picture, "")
        files[content_hash(data)] = data
        subject = SUBJECTS[number]
        pictures.append(TrainingPicture(file=content_hash(data), caption=f"a {subject}, ohwx", subject=subject))
    return pictures, files


@pytest.mark.parametrize("look", ["neon sign", "pencil sketch", "outlined comic", "small outlined flat vector"])
def test_a_palette_in_a_known_look_begins_as_this_look(look: str) -> None:
    pictures, files = palette_in(look)
    recipe = Recipe(new_tokens=1, initializers=KNOWN)
    dataset = prepare(emoji_machine(), pictures, files.__getitem__, recipe, "ohwx")
    assert dataset.initializer == look


def test_a_beginning_is_put_where_the_trigger_is_said_and_into_no_other_word() -> None:
    pictures, files = palette_in("neon sign")
    inside = [replace(one, caption=f"{one.subject}, Sig") for one in pictures]
    recipe = Recipe(new_tokens=1, initializers=KNOWN)
    dataset = prepare(emoji_machine(), inside, files.__getitem__, recipe, "sig")
    assert dataset.initializer == "neon sign"


Found = TypeVar("Found")


def ended(work: Generator[None, None, Found]) -> tuple[Found, int]:
    """What work with pauses comes to, and how often it paused."""
    pauses = 0
    while True:
        try:
            next(work)
        except StopIteration as end:
            found: Found = end.value
            return found, pauses
        pauses += 1


def dataset_of(family: str, **changes: object) -> tuple[Dataset, int]:
    """A tiny palette prepared by a recipe, and how often that paused."""
    files = Memory()
    request = small_training(files, **changes)
    return ended(
        preparing(tiny_machine(family), request.pictures, files.files.__getitem__, request.recipe, request.trigger)
    )


@pytest.mark.parametrize("family", FAMILIES)
def test_every_family_looks_among_the_words_with_pauses_and_finds_the_same_again(family: str) -> None:
    known = {"new_tokens": 1, "initializers": ("a lake", "neon sign", "night")}
    first, pauses = dataset_of(family, flip=True, **known)
    again, _ = dataset_of(family, flip=True, **known)
    assert first.initializer == again.initializer != ""
    assert pauses >= dataset_of(family, flip=True)[1] + 5, "three words, then two"


def test_an_error_where_something_is_drawn_counts_and_one_on_the_ground_does_not() -> None:
    picture, right = torch.zeros(1, 4, 8, 8), torch.zeros(1, 4, 8, 8)
    picture[..., :2, :2] = torch.randn(4, 2, 2, generator=torch.Generator().manual_seed(0))
    on_the_ground, on_the_strokes = torch.ones(1, 4, 8, 8), torch.zeros(1, 4, 8, 8)
    on_the_ground[..., :4, :4] = 0.0
    on_the_strokes[..., :2, :2] = 0.1
    assert embedding_init.error_where_drawn(on_the_ground, right, picture) == 0
    assert embedding_init.error_where_drawn(on_the_strokes, right, picture) > 0


def test_nothing_is_looked_for_where_no_word_is_learnt() -> None:
    assert dataset_of("sd1", initializers=("neon sign", "night"))[0].initializer == ""


@pytest.mark.parametrize("family", FAMILIES)
def test_a_word_says_what_its_beginning_says_and_by_half_at_half_the_strength(family: str) -> None:
    machine, files = tiny_machine(family), Memory()
    request = small_training(files, new_tokens=1, initializers=("neon sign",))
    dataset = prepare(machine, request.pictures, files.files.__getitem__, request.recipe, request.trigger)
    text_side(machine, dataset, request.recipe, "loop", request.trigger)
    meant = encode(machine, ["a guitar, neon sign"]).hidden
    said = {}
    for weight in (1.0, 0.5, 0.01):
        with machine.bank.activate({"loop": weight}):
            said[weight] = encode(machine, [f"a guitar, {request.trigger}"]).hidden
    machine.bank.drop("loop")
    assert torch.equal(said[1.0], meant)
    assert 0 < far(said[0.5], meant) < far(said[0.01], meant)


def far(one: torch.Tensor, other: torch.Tensor) -> float:
    """Root mean square distance."""
    return float((one - other).square().mean().sqrt())


def test_a_word_has_as_many_tokens_as_its_beginning_and_as_were_asked_for() -> None:
    machine = tiny_machine("sd1")
    needed = len(machine.tokenizers[0]("neon sign", add_special_tokens=False).input_ids)
    for fewest in (1, needed + 3):
        machine.bank.tokens.begin_as("word", "ohwx", "neon sign", fewest)
        word = machine.bank.tokens.of("word")
        machine.bank.tokens.drop("word")
        assert word is not None
        assert len(word.rows[0]) == max(needed, fewest)


def test_a_training_goes_on_with_the_word_that_it_began_with_and_does_not_choose_again() -> None:
    machine, whole, memory = tiny_machine("sd1"), Memory(), Memory()
    began = small_training(whole, new_tokens=1, initializers=("neon sign",))
    other = small_training(memory, new_tokens=1, initializers=("night with a red lake below",))
    for _ in attempt(began, machine, whole):
        pass
    events = attempt(began, machine, memory)
    while memory.state is None:
        next(events)
    events.close()  # type: ignore[attr-defined]
    for _ in attempt(other, machine, memory):
        pass
    assert memory.adapters == whole.adapters


def test_a_training_that_teaches_a_word_is_never_done_without_it() -> None:
    machine, files = tiny_machine("sd1"), Memory()
    request = small_training(files, new_tokens=1)
    dataset = prepare(machine, request.pictures, files.files.__getitem__, request.recipe, request.trigger)
    with pytest.raises(ValueError, match="text side"):
        Loop(machine, dataset, request.recipe, "loop")
