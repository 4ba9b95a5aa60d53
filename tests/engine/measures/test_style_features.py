"""Pictures of one look lie nearer to each other than to other looks, whatever is in them."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from engine.measures.style_features import DIMENSIONS, distance, phash, style_features
from storage.records import Drawing, Seed
from storage.requests import Row
from tests.engine.drawing import drawn
from tests.engine.tiny_models import FAMILIES, emoji_machine, tiny_machine

LOOKS = ("neon sign", "pencil sketch", "black and white icon", "glossy 3d render")
SUBJECTS = ("fox", "castle", "guitar", "red apple")


def test_the_nearest_centre_names_the_look_of_an_unseen_subject() -> None:
    machine = emoji_machine()
    rows = [
        Row(
            prompt=f"a {subject}, {look}, white background",  # a ground left to chance counts as style, too
            negative="",
            seed=Seed(9 + n),
            subject=subject,
            drawing=Drawing(steps=6),
        )
        for look in LOOKS
        for n, subject in enumerate(SUBJECTS)
    ]
    pictures = drawn(machine, rows)
    features = np.array([style_features(machine, pictures[n]) for n in range(len(rows))])
    features = features.reshape(len(LOOKS), len(SUBJECTS), DIMENSIONS)
    right = 0
    for look in range(len(LOOKS)):
        for subject in range(len(SUBJECTS)):
            centres = np.delete(features, subject, axis=1).mean(axis=1)
            right += int(np.argmin(np.linalg.norm(centres - features[look, subject], axis=1)) == look)
    assert right >= 15  # of 16


@pytest.mark.parametrize("family", FAMILIES)
def test_every_family_measures_and_the_same_picture_measures_the_same(family: str) -> None:
    machine = tiny_machine(family)
    picture = Image.radial_gradient("L").convert("RGB")
    first, second = style_features(machine, picture), style_features(machine, picture)
    assert len(first) == DIMENSIONS
    assert first == second
    assert np.isfinite(first).all()


def test_flat_black_and_flat_white_are_measured_and_differ() -> None:
    machine = emoji_machine()
    black, white = (style_features(machine, Image.new("RGB", (128, 128), colour)) for colour in ("black", "white"))
    assert np.isfinite(black).all()
    assert distance(black, white) > 0.5


def test_the_hash_survives_scaling_and_tells_pictures_apart() -> None:
    picture = Image.radial_gradient("L").resize((128, 128))
    twin = picture.resize((512, 512))
    other = picture.rotate(90).transpose(Image.Transpose.FLIP_LEFT_RIGHT).crop((0, 0, 64, 128))
    assert len(phash(picture)) == 16
    assert bits_between(phash(picture), phash(twin)) <= 3
    assert bits_between(phash(picture), phash(other)) > 10


def bits_between(one: str, other: str) -> int:
    return (int(one, 16) ^ int(other, 16)).bit_count()
