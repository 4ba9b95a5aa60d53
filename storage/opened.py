"""Opens a picture that somebody brought: upright, eight bits, RGBA, whatever way its file says so."""

from __future__ import annotations

from io import BytesIO

from PIL import Image, ImageOps

FORMATS = ("PNG", "JPEG", "WEBP")


def opened(data: bytes) -> Image.Image:
    """The picture at its own size, RGBA, turned as its EXIF orientation asks; of an animation the first frame."""
    image = ImageOps.exif_transpose(Image.open(BytesIO(data), formats=FORMATS))
    if image.mode.startswith("I"):  # 16 bits of grey, which Pillow would clip at 255
        image = image.convert("I").point(lambda value: value * (1 / 257) + 1e-3).convert("L")
    return image.convert("RGBA")
