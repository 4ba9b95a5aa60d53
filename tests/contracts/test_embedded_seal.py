"""The model's own evaluation trains with the numbers that a person gets."""

from __future__ import annotations

from dataclasses import replace

from bot.rules.recipe import preset_recipe
from engine.emoji_sd import seal
from engine.emoji_sd.vocabulary import load


def test_the_seal_of_the_evaluation_is_the_fast_preset():
    offered = preset_recipe("fast", "emoji", len(seal.PALETTE), 0)
    assert replace(seal.RECIPE, epochs=offered.epochs, warmup_steps=offered.warmup_steps) == offered


def test_the_palette_of_the_evaluation_is_in_the_vocabulary_and_in_openmoji():
    icons = {subject.words: subject.icons for subject in load().subjects}
    assert all("openmoji" in icons[subject] for subject in seal.PALETTE)
