"""Embeddings to begin with: subjects that look alike have codes alike, and what is held out stays unseen."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from emoji_sd.recipe.data import captions, vocabulary
from emoji_sd.recipe.data.icons import SIZE
from emoji_sd.recipe.train import subject_codes, text


@pytest.fixture
def words():
    """Six subjects of the vocabulary."""
    whole = vocabulary.load()
    return replace(whole, subjects=whole.subjects[:6])


def block(subject: int, source: str) -> np.ndarray:
    """Subjects 0 … 2 fill the left side, the rest the right side, each a little more than the one before."""
    figure = np.zeros((SIZE, SIZE, 4), np.uint8)
    side = slice(0, 40 + 8 * subject) if subject < 3 else slice(SIZE - 8 * subject, SIZE)
    figure[20:100, side] = (200, 30 * subject, len(source), 255)
    return figure


def test_subjects_that_look_alike_have_codes_alike(words):
    found = subject_codes.subject_codes(words, block)
    assert found.shape == (6, text.WIDTH)
    apart = np.linalg.norm(found[:, None] - found[None], axis=-1)
    assert max(apart[0, 1], apart[1, 2], apart[3, 4]) < min(apart[0, 3], apart[1, 4], apart[2, 5])


def test_figures_of_held_out_pairs_alone_are_never_looked_at():
    whole = vocabulary.load()
    words = replace(whole, subjects=whole.subjects[:40])
    asked = set()

    def noted(subject: int, source: str) -> np.ndarray:
        asked.add((subject, source))
        return block(subject % 6, source)

    subject_codes.subject_codes(words, noted)
    trained = {(s, words.looks[k].source) for s, k in words.pairs() if not words.is_held_out(s, k)}
    assert asked == trained
    assert {(s, words.looks[k].source) for s, k in words.pairs()} - trained, "nothing here was held out"


def test_the_words_of_a_subject_add_up_to_its_code(words, tmp_path):
    tokenizer = text.make_tokenizer(captions.words(words), tmp_path)
    encoder = text.make_encoder(tokenizer)
    found = subject_codes.subject_codes(words, block)
    subject_codes.initialize(found, encoder, tokenizer, words)
    embeddings = encoder.get_input_embeddings().weight
    for subject, code in zip(words.subjects, found, strict=True):
        tokens = tokenizer(subject.words).input_ids[1:-1]
        whole = embeddings[tokens].sum(0).detach() / subject_codes.SPREAD
        assert torch.cosine_similarity(whole, torch.from_numpy(code), 0) > 0.9
