"""Writes pictures as PNG with the `parameters` text that AUTOMATIC1111 reads: deterministic bytes, no other metadata.

Knows a row and a picture, not who drew it.
"""

from __future__ import annotations

from io import BytesIO

from PIL import Image
from PIL.PngImagePlugin import PngInfo

from storage.requests import Row, SealUse

COMPRESS_LEVEL = 6  # fixed, so that the same picture is the same file
SHORT_HASH_DIGITS = 10  # as A1111 shows model hashes
LORA_HASH_DIGITS = 12  # as A1111 shows LoRA hashes


def parameters(row: Row, *, model: str, model_sha256: str) -> str:
    """The text that makes this picture again: prompt, negative prompt, and one line of settings."""
    drawing = row.drawing
    settings = {
        "Steps": drawing.steps,
        "Sampler": drawing.sampler.value,
        "CFG scale": f"{drawing.guidance_scale:g}",
        "Seed": row.seed,
        "Size": f"{drawing.width_px}x{drawing.height_px}",
        "Model hash": model_sha256[:SHORT_HASH_DIGITS],
        "Model": model.replace(",", " "),
    }
    if row.seals:
        hashes = ", ".join(f"{_name(seal)}: {seal.adapter[:LORA_HASH_DIGITS]}" for seal in row.seals)
        settings["Lora hashes"] = f'"{hashes}"'
    prompt = "".join([row.prompt, *(f" <lora:{_name(seal)}:{seal.weight:g}>" for seal in row.seals)])
    lines = [prompt, *([f"Negative prompt: {row.negative}"] if row.negative else [])]
    return "\n".join([*lines, ", ".join(f"{name}: {value}" for name, value in settings.items())])


def _name(seal: SealUse) -> str:
    return f"seal-{seal.adapter[:LORA_HASH_DIGITS]}"


def png_bytes(image: Image.Image, text: str) -> bytes:
    """The picture as PNG with this `parameters` text; the same input gives the same bytes."""
    info = PngInfo()
    info.add_text("parameters", text)
    buffer = BytesIO()
    image.save(buffer, format="PNG", pnginfo=info, compress_level=COMPRESS_LEVEL)
    return buffer.getvalue()
