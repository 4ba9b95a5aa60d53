"""Looks that no base model was taught, made from any pictures by image processing: palettes for comparing recipes."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
from PIL import Image
from scipy import ndimage

Floats = npt.NDArray[np.float64]


def _light(picture: Floats) -> Floats:
    """Luminance 0 … 1 of a picture (h, w, 3) in 0 … 255."""
    return np.asarray(picture @ np.array([0.299, 0.587, 0.114]) / 255)


def _lines(picture: Floats, softness: float) -> Floats:
    """Strength 0 … 1 of edges in any channel."""
    soft = ndimage.gaussian_filter(picture, (softness, softness, 0))
    steep = np.hypot(ndimage.sobel(soft, 0), ndimage.sobel(soft, 1)).max(-1)
    return np.asarray(np.clip(steep / 160, 0, 1))


def duotone(picture: Floats) -> Floats:
    """Two inks, aubergine and peach."""
    share = np.clip((_light(picture) - 0.15) / 0.7, 0, 1)[..., None]
    return np.asarray(np.array([66.0, 20.0, 88.0]) * (1 - share) + np.array([255.0, 206.0, 158.0]) * share)


def blackboard(picture: Floats) -> Floats:
    """Chalk lines on a green board."""
    chalk = (_lines(picture, 0.8) * 0.9 + 0.18 * _light(picture))[..., None]
    return np.asarray(np.array([30.0, 68.0, 52.0]) * (1 - chalk) + np.array([238.0, 240.0, 226.0]) * chalk)


def pop_art(picture: Floats) -> Floats:
    """Four flat printing colours by lightness."""
    steps = np.digitize(ndimage.gaussian_filter(_light(picture), 0.7), (0.3, 0.55, 0.85))
    inks = np.array([[60.0, 10.0, 110.0], [236.0, 28.0, 130.0], [250.0, 212.0, 30.0], [30.0, 196.0, 214.0]])
    return np.asarray(ndimage.gaussian_filter(inks[steps], (0.5, 0.5, 0)))


def blueprint(picture: Floats) -> Floats:
    """White lines on blue paper with a grid."""
    rows, columns = np.mgrid[: picture.shape[0], : picture.shape[1]]
    grid = 0.14 * ((rows % 16 == 0) | (columns % 16 == 0))
    line = np.clip(_lines(picture, 1.0) + grid, 0, 1)[..., None]
    return np.asarray(np.array([22.0, 62.0, 150.0]) * (1 - line) + np.array([236.0, 244.0, 255.0]) * line)


def linocut(picture: Floats) -> Floats:
    """One red block on cream, with a cut border around every shape."""
    dark = ndimage.gaussian_filter(_light(picture), 0.8) < 0.8
    ink = (dark & (_lines(picture, 1.2) < 0.5))[..., None].astype(float)
    ink = ndimage.gaussian_filter(ink, (0.6, 0.6, 0))
    return np.asarray(np.array([250.0, 240.0, 220.0]) * (1 - ink) + np.array([176.0, 34.0, 30.0]) * ink)


LOOKS: dict[str, Callable[[Floats], Floats]] = {
    "duotone": duotone,
    "blackboard": blackboard,
    "pop art": pop_art,
    "blueprint": blueprint,
    "linocut": linocut,
}


def turned(image: Image.Image, look: str) -> Image.Image:
    """The picture in a look."""
    pixels = LOOKS[look](np.asarray(image.convert("RGB"), np.float64))
    return Image.fromarray(np.clip(np.rint(pixels), 0, 255).astype(np.uint8))
