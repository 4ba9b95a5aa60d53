"""Writes tensors and facts as safetensors whose bytes depend on their content alone."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping

import torch
from safetensors.torch import save

LEGACY_START, LEGACY_LENGTH, LEGACY_DIGITS = 0x100000, 0x10000, 8  # A1111's first hash: 64 KiB at the first MiB


def tensor_file(tensors: Mapping[str, torch.Tensor], facts: dict[str, str], dtype: torch.dtype | None = None) -> bytes:
    """Keys in order, in one number format (or each in its own), and kohya's two hashes in the header.

    They are of the tensors' bytes (A1111's and Civitai's AutoV3), and A1111's old one.
    The header is written here: the library's own has its facts in a different order every time.
    """
    bare: bytes = save(
        {key: tensors[key].to(dtype or tensors[key].dtype).cpu().contiguous() for key in sorted(tensors)}
    )
    end = 8 + int.from_bytes(bare[:8], "little")
    listed = json.loads(bare[8:end])
    digest = hashlib.sha256(bare[end:]).hexdigest()
    of_training = {name: value for name, value in facts.items() if name.startswith("ss_")}
    before_hashing = _headed(of_training, listed, bare[end:])[LEGACY_START : LEGACY_START + LEGACY_LENGTH]
    hashes = {
        "sshs_model_hash": digest,
        "sshs_legacy_hash": hashlib.sha256(before_hashing).hexdigest()[:LEGACY_DIGITS],
        "modelspec.hash_sha256": f"0x{digest}",
    }
    return _headed({**facts, **hashes}, listed, bare[end:])


def _headed(facts: dict[str, str], listed: dict[str, object], tensors: bytes) -> bytes:
    header = json.dumps({"__metadata__": facts, **listed}).encode()
    header += b" " * (-len(header) % 8)  # the tensors begin at a multiple of 8
    return len(header).to_bytes(8, "little") + header + tensors
