"""The diffusers configuration of a file in the original layout: its family's published one, with the file's own widths.

The published configurations lie in configs/. So files that are narrower or shallower than the family's load as well.
"""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from engine.models.declared import Declared
from engine.models.headers import Header
from engine.models.kinds import UNET, VAE
from storage.families import FAMILIES, OPEN_CLIP, OPEN_CLIP_XL, Family, FamilyRow

CONFIGS = Path(__file__).resolve().parent / "configs"
HEAD_WIDTH = 64  # of every attention in CLIP and OpenCLIP
LATENT_SCALE = 8
CROSS_DOWN, DOWN, CROSS_UP, UP = "CrossAttnDownBlock2D", "DownBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"

Config = dict[str, Any]


@functools.cache
def published(family: Family) -> Mapping[str, Config]:
    """The configurations of a family by part, as its makers published them."""
    found: dict[str, Config] = json.loads((CONFIGS / f"{family}.json").read_text())
    return found


def configs_of(header: Header, family: Family, said: Declared) -> dict[str, Config]:
    """Every part's configuration. Raises KeyError, IndexError or ValueError where the file has no such layout."""
    row, base = FAMILIES[family], published(family)
    found = {
        "unet": _unet(header, base["unet"], row, said),
        "vae": _vae(header, base["vae"]),
        "scheduler": said.schedule(base["scheduler"]),
    }
    for part, prefix in zip(("text_encoder", "text_encoder_2"), row.texts, strict=False):
        is_open = prefix in (OPEN_CLIP, OPEN_CLIP_XL)
        found[part] = (_open_clip if is_open else _clip)(header, base[part], prefix)
    if row.skips_last_text_layer:  # which diffusers leaves out
        found["text_encoder"]["num_hidden_layers"] -= 1
    return found


def _unet(header: Header, base: Config, row: FamilyRow, said: Declared) -> Config:
    levels: list[tuple[int, int, int]] = [(0, 0, 0)]  # channels, resnets, transformer blocks
    for number in range(1, _count(header, f"{UNET}input_blocks.")):
        block = f"{UNET}input_blocks.{number}."
        if header.has(f"{block}0.op.weight"):
            levels.append((0, 0, 0))
            continue
        channels = header.shape(f"{block}0.out_layers.3.weight")[0]
        levels[-1] = (channels, levels[-1][1] + 1, _count(header, f"{block}1.transformer_blocks."))
    channels_of, depths = [one[0] for one in levels], [one[2] for one in levels]
    attention = next(name for name in header.tensors if name.endswith(".attn2.to_k.weight") and name.startswith(UNET))
    found = {
        **base,
        "block_out_channels": channels_of,
        "layers_per_block": levels[0][1],
        "cross_attention_dim": header.shape(attention)[1],
        "down_block_types": [CROSS_DOWN if depth else DOWN for depth in depths],
        "up_block_types": [CROSS_UP if depth else UP for depth in reversed(depths)],
        "sample_size": said.size_px // LATENT_SCALE,
    }
    if row.head_width:
        found["attention_head_dim"] = [max(1, channels // row.head_width) for channels in channels_of]
    if row.knows_sizes:
        found["transformer_layers_per_block"] = [max(1, depth) for depth in depths]
        found["projection_class_embeddings_input_dim"] = header.shape(f"{UNET}label_emb.0.0.weight")[1]
    return found


def _vae(header: Header, base: Config) -> Config:
    levels = _count(header, f"{VAE}encoder.down.")
    down = [f"{VAE}encoder.down.{number}.block." for number in range(levels)]
    return {
        **base,
        "block_out_channels": [header.shape(f"{block}0.conv2.weight")[0] for block in down],
        "down_block_types": ["DownEncoderBlock2D"] * levels,
        "up_block_types": ["UpDecoderBlock2D"] * levels,
        "layers_per_block": _count(header, down[0]),
        "latent_channels": header.shape(f"{VAE}decoder.conv_in.weight")[1],
    }


def _clip(header: Header, base: Config, prefix: str) -> Config:
    model = f"{prefix}text_model." if header.has_under(f"{prefix}text_model.") else prefix
    words, width = header.shape(f"{model}embeddings.token_embedding.weight")
    layers = f"{model}encoder.layers."
    return _text(base, words, width, header.shape(f"{layers}0.mlp.fc1.weight")[0], _count(header, layers), width)


def _open_clip(header: Header, base: Config, prefix: str) -> Config:
    words, width = header.shape(f"{prefix}token_embedding.weight")
    layers = f"{prefix}transformer.resblocks."
    projected = header.shape(f"{prefix}text_projection")
    inner = header.shape(f"{layers}0.mlp.c_fc.weight")[0]
    return _text(base, words, width, inner, _count(header, layers), projected[1] if projected else width)


def _text(base: Config, words: int, width: int, inner: int, layers: int, projected: int) -> Config:
    return {
        **base,
        "vocab_size": words,
        "hidden_size": width,
        "intermediate_size": inner,
        "num_hidden_layers": layers,
        "num_attention_heads": max(1, width // HEAD_WIDTH),
        "projection_dim": projected,
    }


def _count(header: Header, prefix: str) -> int:
    """How many numbers follow this prefix, counted from 0."""
    numbers = {int(found[1]) for name in header.tensors if (found := re.match(re.escape(prefix) + r"(\d+)\.", name))}
    return max(numbers) + 1 if numbers else 0
