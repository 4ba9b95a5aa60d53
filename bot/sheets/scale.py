"""Pictures at a size a phone likes. Knows only pixels."""

from __future__ import annotations

from io import BytesIO

from PIL import Image

from storage.opened import opened

PHONE_PX = 512  # below it, phones blur what they stretch
LARGEST_PX = 1280  # Telegram scales larger photos down to this
QUALITY = 92


def scale_up(image: Image.Image, at_least_px: int = PHONE_PX) -> Image.Image:
    """The picture in RGB, its shorter side at least so long; growing by whole factors keeps pixels sharp."""
    image = image.convert("RGB")
    shorter = min(image.size)
    if shorter >= at_least_px:
        return image
    factor = -(-at_least_px // shorter)
    grown = image.resize((image.width * factor, image.height * factor), Image.Resampling.LANCZOS)
    if max(grown.size) > LARGEST_PX:
        grown.thumbnail((LARGEST_PX, LARGEST_PX), Image.Resampling.LANCZOS)
    return grown


def open_picture(data: bytes) -> Image.Image:
    """A picture as everything else here opens one; RGB, as what lies under transparency is never shown."""
    return opened(data).convert("RGB")


def jpeg(image: Image.Image) -> bytes:
    """As JPEG bytes; Telegram recompresses photos anyway."""
    target = BytesIO()
    image.convert("RGB").save(target, "JPEG", quality=QUALITY)
    return target.getvalue()
