"""CLIP's tokenizer, made from the merges that ship with the project: all Stable Diffusion 1, 2 and XL read by it.

`python -m engine.models.vocabulary open_clip_torch-*.whl` writes them anew from the package that they come in (MIT,
see configs/LICENSE-open_clip; `pip download --no-deps open_clip_torch` fetches it).
"""

from __future__ import annotations

import functools
import gzip
import sys
import zipfile
from pathlib import Path

from transformers import CLIPTokenizer

MERGES = Path(__file__).resolve().parent / "configs" / "clip_merges.txt.gz"
SOURCE = "open_clip/bpe_simple_vocab_16e6.txt.gz"
FIRST_WORD, LAST_WORD = "<|startoftext|>", "<|endoftext|>"
VOCABULARY = 49_408  # 256 bytes, each alone and at a word's end; the merges; start and end
MERGE_COUNT = VOCABULARY - 2 * 256 - 2
PRINTABLE = (range(ord("!"), ord("~") + 1), range(ord("¡"), ord("¬") + 1), range(ord("®"), ord("ÿ") + 1))
PROMPT_TOKENS = 77


def clip_tokenizer(pad_token: str = LAST_WORD) -> CLIPTokenizer:
    """A tokenizer of its own, with 77 tokens a prompt; SD 2 and SDXL's second encoder pad with `!`."""
    return CLIPTokenizer(
        vocab=_vocabulary(), merges=list(_merges()), pad_token=pad_token, model_max_length=PROMPT_TOKENS
    )


@functools.cache
def _merges() -> tuple[tuple[str, str], ...]:
    lines = gzip.decompress(MERGES.read_bytes()).decode().splitlines()
    pairs = (line.split() for line in lines)
    return tuple((left, right) for left, right in pairs)


def _vocabulary() -> dict[str, int]:
    """Ids by word, numbered as CLIP does (openai/CLIP, simple_tokenizer.py): bytes, bytes that end a word, merges."""
    letters = [chr(code) for part in PRINTABLE for code in part]
    letters += [chr(256 + number) for number in range(256 - len(letters))]  # bytes that cannot be printed
    merged = ["".join(pair) for pair in _merges()]
    words = [*letters, *(f"{letter}</w>" for letter in letters), *merged, FIRST_WORD, LAST_WORD]
    return {word: number for number, word in enumerate(words)}


def merges_in(wheel: Path) -> bytes:
    """The merges in open_clip_torch's wheel, one a line, compressed; the same wheel gives the same bytes."""
    with zipfile.ZipFile(wheel) as archive:
        lines = gzip.decompress(archive.read(SOURCE)).decode().split("\n")
    return gzip.compress("\n".join(lines[1 : MERGE_COUNT + 1]).encode(), 9, mtime=0)


if __name__ == "__main__":
    MERGES.write_bytes(merges_in(Path(sys.argv[1])))
