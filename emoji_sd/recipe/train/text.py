"""The tokenizer and the text encoder: a CLIP of four layers in which each word of a caption is one token."""

import json
import os
from collections import Counter
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import torch
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTokenizer

# A caption has room for 24 tokens, first and last included. The padding behind it is put to use: its 64 positions learn
# to hold what the caption would look like, a cell of 8×8 each, for the U-Net to look up (mean_latents.py).
SAID, SIDE = 24, 8
TOKENS = SAID + SIDE * SIDE
WIDTH = 192
START, END = "<|startoftext|>", "<|endoftext|>"


def _byte_letters() -> list[str]:
    """GPT-2's printable letter of every byte, in CLIP's order."""
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    rest = [byte for byte in range(256) if byte not in printable]
    return [chr(byte) for byte in printable] + [chr(256 + i) for i in range(len(rest))]


def merges_for(words: Sequence[str]) -> list[tuple[str, str]]:
    """Byte-pair merges (Sennrich et al. 2016) that make one token of each word; ties go to the first in the alphabet.

    The trainer in `tokenizers` breaks ties differently from run to run, and then ids mean something else.
    """
    pieces = {word: [*word[:-1], word[-1] + "</w>"] for word in words}
    merges: list[tuple[str, str]] = []
    while True:
        pairs = Counter(pair for parts in pieces.values() for pair in pairwise(parts))
        if not pairs:
            return merges
        best = min(pairs, key=lambda pair: (-pairs[pair], pair))
        merges.append(best)
        for word, parts in pieces.items():
            pieces[word] = _merged(parts, best)


def _merged(parts: list[str], pair: tuple[str, str]) -> list[str]:
    joined: list[str] = []
    for part in parts:
        if joined and (joined[-1], part) == pair:
            joined[-1] += part
        else:
            joined.append(part)
    return joined


def make_tokenizer(words: Sequence[str], folder: Path) -> CLIPTokenizer:
    """Write vocab.json and merges.txt under `folder` and load them as a CLIPTokenizer of TOKENS positions."""
    folder.mkdir(parents=True, exist_ok=True)
    letters = _byte_letters()
    merges = merges_for(words)
    vocabulary = [*letters, *(letter + "</w>" for letter in letters), *("".join(m) for m in merges), START, END]
    vocabulary = list(dict.fromkeys(vocabulary))
    _put(folder / "vocab.json", json.dumps({piece: i for i, piece in enumerate(vocabulary)}, ensure_ascii=False))
    _put(folder / "merges.txt", "#version: 0.2\n" + "".join(f"{a} {b}\n" for a, b in merges))
    return CLIPTokenizer.from_pretrained(folder, model_max_length=TOKENS)


def _put(file: Path, content: str) -> None:
    """Write the whole file at once: the two of a group write the same, and neither may read half of it."""
    new = file.with_name(f"{file.name}.{os.getpid()}")
    new.write_text(content)
    new.replace(file)


def make_encoder(tokenizer: CLIPTokenizer) -> CLIPTextModel:
    """A fresh text encoder, (n, TOKENS) ids to (n, TOKENS, WIDTH) embeddings."""
    config = CLIPTextConfig(
        vocab_size=len(tokenizer),
        hidden_size=WIDTH,
        intermediate_size=4 * WIDTH,
        num_hidden_layers=4,
        num_attention_heads=4,
        max_position_embeddings=TOKENS,
        projection_dim=WIDTH,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
        prompt_tokens=SAID,  # not CLIP's own: where a prompt ends and the picture begins (Machine.max_tokens)
    )
    config._attn_implementation = "eager"  # SDPA's bf16 backward is several times slower on CPU
    return CLIPTextModel(config)


def ids(tokenizer: CLIPTokenizer, texts: Sequence[str]) -> torch.Tensor:
    """Token ids (n, TOKENS)."""
    found = tokenizer(list(texts), padding="max_length", max_length=TOKENS, truncation=True, return_tensors="pt")
    return torch.as_tensor(found.input_ids)
