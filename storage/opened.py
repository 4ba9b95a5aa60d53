"""Opens a picture that somebody brought: upright, eight bits, RGBA, whatever way its file says so."""

from __future__ import annotations

from io import BytesIO

import numpy as np
from PIL import Image, ImageOps

FORMATS = ("PNG", "JPEG", "WEBP")


def opened(data: bytes) -> Image.Image:
    """The picture at its own size, RGBA, turned as its EXIF orientation asks; of an animation the first frame."""
    image = ImageOps.exif_transpose(Image.open(BytesIO(data), formats=FORMATS))
    if image.mode.startswith("I"):  # 16 bits of grey, which Pillow would clip at 255
        image = Image.fromarray((np.asarray(image, np.float32) / 257).clip(0, 255).astype(np.uint8))
    return image.convert("RGBA")
