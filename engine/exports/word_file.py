"""A learnt word as a file: embeddings that A1111, ComfyUI and diffusers call textual inversion."""

from __future__ import annotations

import re

import torch

from engine.exports.about import About, word_headers
from engine.exports.tensor_file import tensor_file
from engine.models.adapters.file import read
from storage.families import FAMILIES

RESERVED = re.compile(r"aux|con|nul|prn|(?:com|lpt)[0-9¹²³]", re.IGNORECASE)  # Windows keeps them from files


def word_file(adapter: bytes, about: About) -> bytes:
    """The word's rows, (n, C) an encoder, in fp32: they are small, and many programs read nothing else.

    A single tensor is called by the word: diffusers takes the key for it, A1111 and ComfyUI the file's name.

    Raises ValueError when the adapter has no word.
    """
    tokens = read(adapter).tokens
    if not tokens:
        raise ValueError("this seal has no word of its own")
    keys = FAMILIES[about.family].word_keys or (word_name(about.trigger),)
    return tensor_file(dict(zip(keys, tokens, strict=True)), word_headers(about), torch.float32)


def word_name(trigger: str) -> str:
    """The stem of a learnt word's file: A1111, Forge and ComfyUI call an embedding by it, so it is the word itself.

    Only a name that Windows keeps for devices gets a sign more.
    """
    stem = re.sub(r"[^\w-]", "-", trigger)
    return f"{stem}_" if RESERVED.fullmatch(stem) else stem
