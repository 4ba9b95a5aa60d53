"""How a palette picture is shown to the trainer: its bucket's size, crops, mirror images, and what of it counts."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import permutations

import numpy as np
import torch
from PIL import Image, ImageOps

Size = tuple[int, int]
"""Width and height in px."""
MOST_SHIFTED, MOST_TURNED = 0.05, 10.0  # of a picture's sides; degrees


@dataclass(frozen=True)
class View:
    """A picture as the VAE sees it. `mask` is the alpha channel (L), `time_ids` SDXL's size conditioning."""

    image: Image.Image
    mask: Image.Image
    time_ids: tuple[int, int, int, int, int, int]

    def latent_mask(self, scale: int) -> torch.Tensor:
        """(1, 1, h, w), 0 … 1: how much of every latent cell is opaque."""
        width, height = self.image.size
        small = self.mask.resize((width // scale, height // scale), Image.Resampling.BOX)
        return torch.from_numpy(np.array(small)).float()[None, None] / 255


def bucket_sizes(sizes: Sequence[Size], side: int, grain: int, most: int) -> list[Size]:
    """The size every picture is trained at: of about side² px, in multiples of `grain`, at most `most` different ones.

    With few pictures every bucket more makes batches less mixed. So shapes are joined until few enough are left, each
    time those two where the fewest pictures lose the least. One bucket is the model's own square.
    """
    if most == 1:
        return [(side, side)] * len(sizes)
    wanted = [_shape(width / height, side, grain) for width, height in sizes]
    counts = Counter(wanted)
    joined = {shape: shape for shape in counts}
    while len(counts) > most:
        pairs = [(rare, near) for rare, near in permutations(sorted(counts), 2) if counts[rare] <= counts[near]]
        rare, near = min(pairs, key=lambda pair: counts[pair[0]] * _distance(*pair))
        counts[near] += counts.pop(rare)
        joined = {shape: near if place == rare else place for shape, place in joined.items()}
    return [joined[shape] for shape in wanted]


def _shape(ratio: float, side: int, grain: int) -> Size:
    return (
        max(grain, round(side * math.sqrt(ratio) / grain) * grain),
        max(grain, round(side / math.sqrt(ratio) / grain) * grain),
    )


def _distance(one: Size, other: Size) -> float:
    return abs(math.log(one[0] / one[1]) - math.log(other[0] / other[1]))


def augmented(picture: Image.Image, chance: torch.Generator) -> Image.Image:
    """The picture (RGBA) elsewhere in its frame, a little turned: another in the same strokes, as wide as they were.

    What comes into sight is the picture mirrored at its edge, so that a ground goes on. Every channel is turned by
    itself: what lies under transparency is shown to the trainer, too.
    """
    turn, right, down = (2 * torch.rand(3, generator=chance) - 1).tolist()
    width, height = picture.size
    margin = max(picture.size) // 4 + 1  # more than a corner can travel
    spread = np.pad(np.asarray(picture), ((margin, margin), (margin, margin), (0, 0)), mode="reflect")
    there = (right * MOST_SHIFTED * width, down * MOST_SHIFTED * height)
    channels = [
        Image.fromarray(channel).rotate(turn * MOST_TURNED, Image.Resampling.BICUBIC, translate=there)
        for channel in np.moveaxis(spread, 2, 0)
    ]
    return Image.merge("RGBA", channels).crop((margin, margin, margin + width, margin + height))


def views_a_picture(crops: int, flip: bool) -> int:
    """How many `views_of` gives."""
    return crops * (2 if flip else 1)


def views_of(picture: Image.Image, size: Size, crops: int, flip: bool) -> Iterator[View]:
    """`crops` windows spread over the longer side, the middle one first for an odd number; each then mirrored."""
    width, height = size
    scale = max(width / picture.width, height / picture.height)
    whole = (max(width, round(picture.width * scale)), max(height, round(picture.height * scale)))
    colours = _resized(picture.convert("RGB"), whole)
    alpha = _resized(picture.getchannel("A"), whole)
    spare = whole[0] - width, whole[1] - height
    for share in _shares(crops):
        along, across = round(max(spare) * share), min(spare) // 2
        left, top = (along, across) if spare[0] > spare[1] else (across, along)
        box = (left, top, left + width, top + height)
        # The size after scaling is said to be the original one, as it is when drawing: no seal of blurred upscales.
        ids = (whole[1], whole[0], top, left, height, width)
        image, mask = colours.crop(box), alpha.crop(box)
        yield View(image, mask, ids)
        if flip:
            yield View(ImageOps.mirror(image), ImageOps.mirror(mask), ids)


def _resized(image: Image.Image, size: Size) -> Image.Image:
    return image if image.size == size else image.resize(size, Image.Resampling.LANCZOS)


def _shares(crops: int) -> list[float]:
    """Where crops lie along the longer side, 0 … 1; the first is the middle one or nearest to it."""
    shares = [0.5] if crops == 1 else [number / (crops - 1) for number in range(crops)]
    return sorted(shares, key=lambda share: (abs(share - 0.5), share))
