"""The model's own evaluation trains with the numbers that a person gets."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot.rules.recipe import preset_recipe
from emoji_sd.recipe.data.vocabulary import load
from emoji_sd.recipe.judge import seal
from storage.recipe import Preset


def test_the_seal_of_the_evaluation_is_the_fast_preset():
    offered = preset_recipe(Preset.FAST, "emoji", len(seal.PALETTE), 0)
    assert replace(seal.RECIPE, epochs=offered.epochs, warmup_steps=offered.warmup_steps) == offered


@pytest.mark.parametrize("number", range(4))
def test_what_a_seal_is_graded_on_is_in_openmoji_and_not_what_it_learnt_from(number: int):
    words = load()
    icons = {subject.words: subject.icons for subject in words.subjects}
    trial = seal.SealTrial.of(words, number, 96)
    assert all("openmoji" in icons[subject] for subject in (*trial.palette, *trial.others))
    assert (len(set(trial.palette)), len(set(trial.others))) == (18, 96)
    assert not set(trial.palette) & set(trial.others)
    assert trial == seal.SealTrial.of(words, number, 96)


def test_the_other_palettes_share_neither_pictures_nor_subjects_with_the_first():
    words = load()
    chosen_on = seal.SealTrial.of(words)
    for number in (1, 2):
        trial = seal.SealTrial.of(words, number)
        assert not {*chosen_on.palette, *chosen_on.others} & set(trial.others)
        assert not set(chosen_on.palette) & set(trial.palette)
