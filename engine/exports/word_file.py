"""A learnt word to take home: embeddings that A1111, ComfyUI and diffusers call textual inversion."""

from __future__ import annotations

import torch

from engine.exports.about import About, word_headers
from engine.exports.tensor_file import tensor_file
from engine.models.adapters import read_word

SDXL_KEYS = ("clip_l", "clip_g")


def word_file(adapter: bytes, about: About) -> bytes:
    """The word's rows, (n, C) an encoder, in fp32: they are small, and many programs read nothing else.

    A single tensor is called by the word: diffusers takes the key for it, A1111 and ComfyUI the file's name.

    Raises ValueError when the adapter has no word.
    """
    word = read_word(adapter)
    if word is None:
        raise ValueError("this seal has no word of its own")
    keys = SDXL_KEYS if about.family == "sdxl" else (about.trigger,)
    return tensor_file(dict(zip(keys, word[1], strict=True)), word_headers(about), torch.float32)
