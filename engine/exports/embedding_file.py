"""Learnt tokens as a file: an embedding that A1111, ComfyUI and diffusers call textual inversion."""

from __future__ import annotations

import re

import torch

from engine.exports.about import About, embedding_headers
from engine.exports.tensor_file import tensor_file
from engine.models.adapters.file import read
from storage.families import FAMILIES

RESERVED = re.compile(r"aux|con|nul|prn|(?:com|lpt)[0-9¹²³]", re.IGNORECASE)  # Windows keeps them from files


def embedding_file(adapter: bytes, about: About) -> bytes:
    """The learnt tokens, (n, C) an encoder, in fp32: they are small, and many programs read nothing else.

    A single tensor is called by the trigger: diffusers takes the key for it, A1111 and ComfyUI the file's name.

    Raises ValueError when the adapter has no learnt tokens.
    """
    tokens = read(adapter).tokens
    if not tokens:
        raise ValueError("this seal has no learnt tokens")
    keys = FAMILIES[about.family].embedding_keys or (embedding_name(about.trigger),)
    return tensor_file(dict(zip(keys, tokens, strict=True)), embedding_headers(about), torch.float32)


def embedding_name(trigger: str) -> str:
    """The stem of an embedding's file: A1111, Forge and ComfyUI call it by that, so it is the trigger itself.

    Only a name that Windows keeps for devices gets a sign more.
    """
    stem = re.sub(r"[^\w-]", "-", trigger)
    return f"{stem}_" if RESERVED.fullmatch(stem) else stem
