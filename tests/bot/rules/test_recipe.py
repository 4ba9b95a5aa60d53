"""Recipes: presets that fit the model, numbers that go round, clashes with a reason, sizes that are true."""

from __future__ import annotations

import pytest

from bot.rules.recipe import (
    BASES,
    CHOICES,
    PRESETS,
    UPLOAD_BYTES,
    clash,
    file_bytes,
    next_choice,
    preset_recipe,
    steps_of,
)


@pytest.mark.parametrize("family", BASES)
@pytest.mark.parametrize("name", PRESETS)
@pytest.mark.parametrize("pictures", [10, 18, 50])
def test_no_preset_clashes_with_itself(family: str, name: str, pictures: int) -> None:
    assert clash(preset_recipe(name, family, pictures, seed=1), pictures, family) == ""


@pytest.mark.parametrize("family", BASES)
def test_thorough_takes_longer_than_balanced_and_that_longer_than_fast(family: str) -> None:
    fast, balanced, thorough = (preset_recipe(name, family, 18, seed=1).steps for name in PRESETS)
    assert fast < balanced < thorough


@pytest.mark.parametrize("family", BASES)
def test_every_preset_fits_into_one_message(family: str) -> None:
    assert all(file_bytes(preset_recipe(name, family, 18, 1), family) < UPLOAD_BYTES for name in PRESETS)


def test_epochs_say_how_often_each_picture_is_seen() -> None:
    recipe = preset_recipe("fast", "emoji", 18, seed=1)
    assert recipe.epochs == round(120 * 4 / 18)


@pytest.mark.parametrize("number", CHOICES)
def test_tapping_a_number_goes_round_and_comes_back(number: str) -> None:
    start = preset_recipe("balanced", "sd1", 24, seed=1)
    seen, recipe = [], next_choice(start, number, 24)
    for _ in range(2 * len(CHOICES[number])):
        assert recipe.preset == "own"
        seen.append(recipe)
        recipe = next_choice(recipe, number, 24)
    assert len({str(found) for found in seen}) == len(CHOICES[number])


def test_steps_follow_from_epochs_batch_and_accumulation() -> None:
    recipe = next_choice(preset_recipe("balanced", "sd1", 18, seed=1), "batch", 18)
    assert recipe.steps == steps_of(recipe, 18)


def test_alpha_follows_the_rank() -> None:
    half = next_choice(preset_recipe("balanced", "sd1", 18, seed=1), "alpha", 18)
    assert (half.rank, half.alpha) == (32, 16)
    larger = next_choice(half, "rank", 18)
    assert (larger.rank, larger.alpha) == (64, 32)


def test_a_step_may_not_hold_a_picture_twice() -> None:
    assert clash(preset_recipe("fast", "emoji", 18, seed=1), 3, "emoji") == "batch"


def test_min_snr_is_refused_where_the_noisiest_steps_carry_the_look() -> None:
    recipe = next_choice(preset_recipe("fast", "emoji", 18, seed=1), "snr", 18)
    assert clash(recipe, 18, "emoji") == "snr"
    assert clash(recipe, 18, "sd1") == ""
