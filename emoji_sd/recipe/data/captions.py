"""Captions in the quest's own form, "a SUBJECT, LOOK, GROUND background", with parts left out to be learnt alone."""

import numpy as np

from emoji_sd.recipe.data.looks import in_manner
from emoji_sd.recipe.data.vocabulary import Vocabulary

EMPTY = 0.10  # share of captions left empty: the unconditional half of classifier-free guidance (Ho & Salimans 2022)
NO_SUBJECT, NO_LOOK, NO_GROUND = 0.04, 0.12, 0.15
IN_A_MANNER = 0.6  # share of pictures shown in a manner
SHUFFLED, NO_ARTICLE = 0.10, 0.15
# Shares of captions, with a look and without, with a word that means nothing, as a trigger does before it is trained.
STRANGER, STRANGER_ALONE = 0.08, 0.5
# What a caption shows that names no look, or no ground. Big models have such a look, too: a model that wavers between
# all of them has to be stopped from wavering before a seal can begin, at the noisiest timesteps, which costs subjects.
PLAIN, PLAIN_GROUND = "flat vector", "white"


def caption(subject: str, look: str, ground: str, manner: str = "") -> str:
    """The whole caption."""
    return f"a {subject}, {in_manner(manner, look)}, {ground} background"


def varied(
    vocabulary: Vocabulary,
    subject: int,
    look: int | None,
    ground: int | None,
    chance: np.random.Generator,
    manner: str = "",
) -> str:
    """A caption as training sees it: some empty, some in another order. None names no look, or no ground."""
    if look is not None and ground is not None and chance.uniform() < EMPTY:
        return ""
    article = "" if chance.uniform() < NO_ARTICLE else "a "
    shown = in_manner(manner, "" if look is None else vocabulary.looks[look].words)
    parts = [
        (NO_SUBJECT, article + vocabulary.subjects[subject].words),
        *([(0.0, shown)] if shown else []),
        *([] if ground is None else [(0.0, f"{list(vocabulary.grounds)[ground]} background")]),
    ]
    kept = [words for left_out, words in parts if chance.uniform() >= left_out]
    if chance.uniform() < (STRANGER_ALONE if look is None else STRANGER):
        kept.insert(int(chance.integers(len(kept) + 1)), stranger(chance))
    if chance.uniform() < SHUFFLED:
        chance.shuffle(kept)
    return ", ".join(kept)


def stranger(chance: np.random.Generator) -> str:
    """Three to five letters by chance."""
    return "".join(chance.choice(list("abcdefghijklmnopqrstuvwxyz"), int(chance.integers(3, 6))))


def words(vocabulary: Vocabulary) -> list[str]:
    """Every word a caption can hold, sorted."""
    texts = [s.words for s in vocabulary.subjects] + [k.words for k in vocabulary.looks] + list(vocabulary.grounds)
    return sorted({word for text in texts for word in text.split()} | {"a", "background"})
