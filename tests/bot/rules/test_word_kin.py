"""Forms and spellings of one English word."""

from __future__ import annotations

import pytest

from bot.rules.word_kin import kin


@pytest.mark.parametrize(
    "family",
    [
        "watercolor watercolors watercolour watercolours water-colour watercoloured",
        "grey gray greys",
        "stylized stylised stylizes stylise",
        "centre center centred centered centring",
        "jewelled jeweled",
        "modelling modeled",
        "moulded molded",
        "cosy cozy",
        "painting painted paintings",
        "theatre's theater",
        "hand-drawn handdrawn",
    ],
)
def test_a_family_has_one_key(family: str) -> None:
    assert len({kin(word) for word in family.split()}) == 1


@pytest.mark.parametrize(
    ("one", "other"), [("four", "for"), ("hour", "hor"), ("ink", "sink"), ("neon", "neonatal"), ("colour", "cold")]
)
def test_other_words_have_other_keys(one: str, other: str) -> None:
    assert kin(one) != kin(other)
