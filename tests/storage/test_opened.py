"""Pictures as people have them are opened upright, in eight bits, by one door."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image, ImageDraw

from engine.pictures.latents import open_at
from storage.opened import opened

TURNS = {1: None, 3: Image.Transpose.ROTATE_180, 6: Image.Transpose.ROTATE_90, 8: Image.Transpose.ROTATE_270}


def red_on_the_left() -> Image.Image:
    image = Image.new("RGB", (80, 40), "white")
    ImageDraw.Draw(image).rectangle((0, 0, 20, 39), fill="red")
    return image


def saved(image: Image.Image, kind: str, **options: object) -> bytes:
    target = io.BytesIO()
    image.save(target, kind, **options)
    return target.getvalue()


@pytest.mark.parametrize("orientation", TURNS)
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_a_phone_s_picture_is_learnt_upright(orientation: int, kind: str) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    turn = TURNS[orientation]
    lying = red_on_the_left() if turn is None else red_on_the_left().transpose(turn)
    data = saved(lying, kind, exif=exif, quality=95)
    assert opened(data).size == (80, 40)
    for image in (opened(data).convert("RGB"), open_at(data, 64)):
        left, right = (np.asarray(image, int)[image.height // 2, place] for place in (3, -4))
        assert left[1] < 80, "red lies on the left"
        assert right.min() > 200, "white on the right"


def test_sixteen_bits_of_grey_are_not_clipped() -> None:
    grey = Image.fromarray(np.full((8, 8), 0x8000, np.uint16))
    assert np.asarray(opened(saved(grey, "PNG")))[0, 0].tolist() == [127, 127, 127, 255]


@pytest.mark.parametrize("mode", ["CMYK", "L", "LA", "P", "1"])
def test_every_kind_of_colour_becomes_rgba(mode: str) -> None:
    image = red_on_the_left().convert(mode)
    found = np.asarray(opened(saved(image, "JPEG" if mode == "CMYK" else "PNG")), int)
    assert found.shape == (40, 80, 4)
    assert found[20, 70, :3].min() > 250
