"""What a person can tap is what the engine takes: every choice of every number, and words for all of it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from enum import StrEnum
from functools import cache
from itertools import cycle, product

import pytest

from bot.rules import numbers
from bot.rules.clashes import Setting, clashes, rules_of
from bot.rules.recipe import preset_recipe
from bot.words import LANGUAGES, Words
from engine.models.machine import Machine
from engine.training.dataset import Dataset, prepare
from engine.training.loop import Loop
from engine.training.optimizers import OPTIMIZERS, SCHEDULES
from engine.training.recipe_validation import REASONS, validate
from engine.training.text_side import text_side
from storage.documents import dump, load
from storage.families import Family
from storage.presets import PRESETS
from storage.recipe import CHOICES, Loss, Optimizer, Prior, Recipe, Schedule, Timesteps
from storage.states import Diagnosis, ExportKind, Layout, PaletteKind, Phase, SubjectsFrom, Way
from tests.engine.sealing import Memory, small_training
from tests.engine.tiny_models import emoji_machine, tiny_machine

PICTURES = 18
ON_CPU = tuple(optimizer for optimizer in Optimizer if optimizer is not Optimizer.ADAMW_8BIT)
ELSEWHERE = {"word_without_trigger", "pictures"}


def machine_of(family: Family) -> Machine:
    return emoji_machine() if family is Family.EMOJI else tiny_machine(family)


def tapped_through(recipe: Recipe, name: str, family: Family) -> Iterator[Recipe]:
    """The recipe after each of the taps that lead round a number's choices."""
    for _ in numbers.NUMBERS[name].choices:
        recipe = numbers.next_choice(recipe, name, PICTURES, family)
        yield replace(recipe, class_prompt="a fox") if recipe.class_pictures else recipe


@pytest.mark.parametrize(("family", "kind"), list(product(Family, PaletteKind)))
def test_what_the_screen_lets_pass_the_engine_does_not_refuse(family: Family, kind: PaletteKind) -> None:
    met: dict[str, set[object]] = {}
    for preset, name in product(PRESETS, numbers.NUMBERS):
        for recipe in tapped_through(preset_recipe(preset, family, PICTURES, 1, kind), name, family):
            met.setdefault(name, set()).add(getattr(recipe, numbers.NUMBERS[name].field))
            if not clashes(recipe, Setting(PICTURES, family)):
                validate(recipe, machine_of(family))
    for name, number in numbers.NUMBERS.items():
        assert name == "alpha" or met[name] >= set(number.choices), f"{name}: some choices are never reached"


@pytest.mark.parametrize("field", CHOICES)
def test_every_word_that_a_recipe_knows_is_offered_or_set_by_a_preset(field: str) -> None:
    offered = {choice for number in numbers.NUMBERS.values() if number.field == field for choice in number.choices}
    assert offered == set(CHOICES[field]) or field in ("preset", "kind")


def test_every_optimizer_and_schedule_has_its_builder() -> None:
    assert set(OPTIMIZERS) == set(Optimizer)
    assert set(SCHEDULES) == set(Schedule)


@cache
def palette(prior: Prior | None = None) -> tuple[Recipe, Dataset]:
    """A two-step recipe on the tiny model, with its palette prepared once."""
    memory = Memory()
    changes: dict[str, object] = {"prior": prior, "prior_weight": 0.5, "class_prompt": "a fox", "class_pictures": 1}
    asked = small_training(memory, steps=2, warmup_steps=0, checkpoints=1, **(changes if prior else {}))
    found = prepare(tiny_machine("sd1"), asked.pictures, memory.files.__getitem__, asked.recipe, asked.trigger)
    return asked.recipe, found


def trains(recipe: Recipe, dataset: Dataset) -> None:
    """Two real steps that change the weights."""
    machine = tiny_machine("sd1")
    with closing(
        Loop(machine, dataset, recipe, "offered", text_side(machine, dataset, recipe, "offered", "ohwx"))
    ) as loop:
        before = [one.detach().clone() for one in loop.parameters]
        for _ in range(recipe.steps):
            for _point in loop.run_step():
                pass
        assert any(not one.equal(old) for one, old in zip(loop.parameters, before, strict=True))


@pytest.mark.parametrize(
    ("optimizer", "schedule", "loss", "timesteps"),
    [(*pair, *other) for pair, other in zip(product(ON_CPU, Schedule), cycle(product(Loss, Timesteps)), strict=False)],
)
def test_every_optimizer_trains_by_every_schedule(
    optimizer: Optimizer, schedule: Schedule, loss: Loss, timesteps: Timesteps
) -> None:
    recipe, dataset = palette()
    trains(replace(recipe, optimizer=optimizer, schedule=schedule, loss=loss, timesteps=timesteps), dataset)


@pytest.mark.parametrize("prior", Prior)
def test_every_prior_is_trained_with(prior: Prior) -> None:
    trains(*palette(prior))


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_choice_and_every_refusal_has_words(language: str) -> None:
    words = Words(language)
    recipe = preset_recipe(PRESETS[0], Family.SD1, PICTURES, 1)
    missing = []
    for name, number in numbers.NUMBERS.items():
        missing += [key for key in (f"train.name.{name}", f"train.number.{name}") if not words.has(key)]
        for choice in number.choices:
            value = numbers.value_of(replace(recipe, **{number.field: choice}), name) if name != "alpha" else 1
            if isinstance(value, str) and not words.has(f"train.value.{value}"):
                missing.append(f"train.value.{value}")
    reasons = {*REASONS, *ELSEWHERE, *rules_of(Recipe(), Setting(PICTURES))}
    missing += [f"train.clash.{reason}" for reason in sorted(reasons) if not words.has(f"train.clash.{reason}")]
    assert missing == []


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(
    ("pattern", "choices"),
    [
        ("train.preset.{}", PRESETS),
        ("train.preset.{}.why", CHOICES["preset"]),
        ("train.kind.{}", PaletteKind),
        ("status.phase.{}", [phase for phase in Phase if phase is not Phase.NONE]),
        ("curve.{}", Diagnosis),
        ("take.{}.about", ExportKind),
        ("try.{}.about", Layout),
        ("payload.way.{}", Way),
        ("payload.from.{}", SubjectsFrom),
    ],
)
def test_every_state_that_is_shown_has_words(language: str, pattern: str, choices: list[StrEnum]) -> None:
    words = Words(language)
    assert [choice for choice in choices if not words.has(pattern.format(choice))] == []


@pytest.mark.parametrize("written", ["cosine-restarts", "cosine_restarts"])
def test_a_schedule_is_read_however_it_was_spelt(written: str) -> None:
    text = dump(Recipe(schedule=Schedule.COSINE_RESTARTS)).replace("cosine-restarts", written)
    assert load(Recipe, text).schedule is Schedule.COSINE_RESTARTS


def test_a_recipe_with_a_word_that_nobody_knows_cannot_be_made() -> None:
    with pytest.raises(ValueError, match="sawtooth"):
        Recipe(schedule="sawtooth")  # type: ignore[arg-type]
