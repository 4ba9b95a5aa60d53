"""Writes pictures as PNG with the `parameters` text that AUTOMATIC1111 reads: deterministic bytes, no other metadata.

Knows a row and a picture, not who drew it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO

from PIL import Image
from PIL.PngImagePlugin import PngInfo

from storage.records import ContentHash
from storage.requests import Row

COMPRESS_LEVEL = 6  # fixed, so that the same picture is the same file
SHORT_HASH_DIGITS = 10  # as A1111 shows model hashes
LORA_HASH_DIGITS = 12  # as A1111 shows LoRA hashes
NEGATIVE = re.compile(r"(negative prompt):", re.IGNORECASE)


@dataclass(frozen=True)
class SealFile:
    """What a person has of a seal: the LoRA's file (stem, first digits of its hashes), and its embedding's."""

    name: str | None = None
    autov2: str = ""  # of the file
    autov3: str = ""  # of the tensors behind its header
    embedding: str | None = None
    embedding_sha256: str | None = None


def parameters(row: Row, *, model: str, model_sha256: str, files: Mapping[ContentHash, SealFile] | None = None) -> str:
    """The text that makes this picture again: prompt, negative prompt, and one line of settings.

    `files` names the seals' files by adapter; a seal without one is not named, as nobody could find it.
    """
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
    used = [(files[seal.adapter], seal.weight) for seal in row.seals if files and seal.adapter in files]
    settings |= _hashes([file for file, _ in used], model_sha256)
    prompt = "".join(
        [_on_one_line(row.prompt), *(f" <lora:{file.name}:{weight:g}>" for file, weight in used if file.name)]
    )
    lines = [prompt, *([f"Negative prompt: {_on_one_line(row.negative)}"] if row.negative else [])]
    return "\n".join([*lines, ", ".join(f"{name}: {value}" for name, value in settings.items())])


def _on_one_line(words: str) -> str:
    """Words that no reader takes for the lines behind them; CLIP's tokens of them are the same."""
    return NEGATIVE.sub(r"\1 :", " ".join(line.strip() for line in words.splitlines()))


def _hashes(files: Sequence[SealFile], model_sha256: str) -> dict[str, str]:
    """A1111's two lists, and behind them Civitai's one (JSON, unquoted and last, as its extension writes it)."""
    loras = {file.name: file for file in files if file.name}
    embeddings = {one.embedding: one.embedding_sha256 for one in files if one.embedding and one.embedding_sha256}
    all_of_them = {
        **({"model": model_sha256[:SHORT_HASH_DIGITS]} if model_sha256 else {}),
        **{f"lora:{name}": file.autov2 for name, file in loras.items()},
        **{f"embed:{name}": digest[:SHORT_HASH_DIGITS] for name, digest in embeddings.items()},
    }
    lists = {
        "Lora hashes": ", ".join(f"{name}: {file.autov3}" for name, file in loras.items()),
        "TI hashes": ", ".join(f"{name}: {digest[:LORA_HASH_DIGITS]}" for name, digest in embeddings.items()),
    }
    found = {title: f'"{text}"' for title, text in lists.items() if text}
    return {**found, "Hashes": json.dumps(all_of_them)} if found else {}


def png_bytes(image: Image.Image, text: str) -> bytes:
    """The picture as PNG with this `parameters` text; the same input gives the same bytes."""
    info = PngInfo()
    info.add_text("parameters", text)
    buffer = BytesIO()
    image.save(buffer, format="PNG", pnginfo=info, compress_level=COMPRESS_LEVEL)
    return buffer.getvalue()
