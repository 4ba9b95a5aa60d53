"""The model's own evaluation trains with the numbers that a person gets."""

from __future__ import annotations

import pytest

from emoji_sd.recipe.data.captions import PLAIN
from emoji_sd.recipe.data.looks import LOOKS, MANNERS, in_manner
from emoji_sd.recipe.data.vocabulary import load
from emoji_sd.recipe.judge import seal
from storage.presets import EMOJI_BEGINNINGS


def test_a_seal_may_begin_as_every_look_and_as_the_plain_one_in_its_manners():
    manners = [in_manner(manner, PLAIN) for manner in MANNERS if manner]
    assert (*(look.words for look in LOOKS), *manners) == EMOJI_BEGINNINGS


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
