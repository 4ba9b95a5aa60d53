"""Stable Diffusion's parts under the names of the original layout: the way back from diffusers, for files to try.

Works on tensors without numbers (meta) as well, so that a full-size file can be written piece by piece.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import torch

from storage.families import FAMILIES, OPEN_CLIP, Family

UNET, VAE = "model.diffusion_model.", "first_stage_model."
Tensors = dict[str, torch.Tensor]

UNET_WORDS = {
    "time_embedding.linear_1": "time_embed.0",
    "time_embedding.linear_2": "time_embed.2",
    "add_embedding.linear_1": "label_emb.0.0",
    "add_embedding.linear_2": "label_emb.0.2",
    "conv_in": "input_blocks.0.0",
    "conv_norm_out": "out.0",
    "conv_out": "out.2",
}
RESNET_WORDS = {
    "norm1": "in_layers.0",
    "conv1": "in_layers.2",
    "norm2": "out_layers.0",
    "conv2": "out_layers.3",
    "time_emb_proj": "emb_layers.1",
    "conv_shortcut": "skip_connection",
}
ATTENTION_WORDS = {"group_norm": "norm", "to_q": "q", "to_k": "k", "to_v": "v", "to_out.0": "proj_out"}
OPEN_CLIP_WORDS = {
    "layer_norm1": "ln_1",
    "layer_norm2": "ln_2",
    "mlp.fc1": "mlp.c_fc",
    "mlp.fc2": "mlp.c_proj",
    "self_attn.out_proj": "attn.out_proj",
}
OPEN_CLIP_TABLES = {
    "embeddings.position_embedding.weight": "positional_embedding",
    "embeddings.token_embedding.weight": "token_embedding.weight",
    "final_layer_norm.weight": "ln_final.weight",
    "final_layer_norm.bias": "ln_final.bias",
}


def original(family: Family, parts: Mapping[str, Any]) -> Tensors:
    """The tensors of `unet`, `vae`, `text_encoder` (and `text_encoder_2`) of this family by their original names."""
    found = {UNET + key: value for key, value in _unet(parts["unet"])}
    found |= {VAE + key: value for key, value in _vae(parts["vae"])}
    first = parts["text_encoder"].state_dict()
    row = FAMILIES[family]
    if row.texts == (OPEN_CLIP,):
        return found | _open_clip(first, OPEN_CLIP, repeats_last=row.skips_last_text_layer)
    found |= {f"{row.texts[0]}text_model.{key.removeprefix('text_model.')}": value for key, value in first.items()}
    if len(row.texts) > 1:
        found |= _open_clip(parts["text_encoder_2"].state_dict(), row.texts[1])
    return found


def _unet(unet: Any) -> Iterator[tuple[str, torch.Tensor]]:
    blocks = dict(_unet_blocks(len(unet.config.block_out_channels), int(unet.config.layers_per_block), unet))
    for key, value in unet.state_dict().items():
        block = next((one for one in blocks if key.startswith(f"{one}.")), "")
        rest = key.removeprefix(block)
        words = RESNET_WORDS if ".resnets." in block else {} if block else UNET_WORDS
        yield blocks.get(block, "") + _said(rest, words), value


def _unet_blocks(levels: int, layers: int, unet: Any) -> Iterator[tuple[str, str]]:
    """(diffusers' name, original name) of everything that is numbered."""
    number = 1
    for level in range(levels):
        for layer in range(layers):
            yield f"down_blocks.{level}.resnets.{layer}", f"input_blocks.{number}.0"
            yield f"down_blocks.{level}.attentions.{layer}", f"input_blocks.{number}.1"
            number += 1
        if level < levels - 1:
            yield f"down_blocks.{level}.downsamplers.0.conv", f"input_blocks.{number}.0.op"
            number += 1
    yield "mid_block.resnets.0", "middle_block.0"
    yield "mid_block.attentions.0", "middle_block.1"
    yield "mid_block.resnets.1", "middle_block.2"
    for level in range(levels):
        has_attention = hasattr(unet.up_blocks[level], "attentions")
        for layer in range(layers + 1):
            number = level * (layers + 1) + layer
            yield f"up_blocks.{level}.resnets.{layer}", f"output_blocks.{number}.0"
            yield f"up_blocks.{level}.attentions.{layer}", f"output_blocks.{number}.1"
        yield f"up_blocks.{level}.upsamplers.0.conv", f"output_blocks.{number}.{1 + has_attention}.conv"


def _vae(vae: Any) -> Iterator[tuple[str, torch.Tensor]]:
    levels = len(vae.config.block_out_channels)
    words = {"mid_block.resnets.0": "mid.block_1", "mid_block.resnets.1": "mid.block_2", "conv_norm_out": "norm_out"}
    words |= {"mid_block.attentions.0": "mid.attn_1", ".conv_shortcut": ".nin_shortcut", ".resnets.": ".block."}
    words |= {".downsamplers.0.": ".downsample.", ".upsamplers.0.": ".upsample."}
    words |= {f"down_blocks.{level}.": f"down.{level}." for level in range(levels)}
    words |= {f"up_blocks.{level}.": f"up.{levels - 1 - level}." for level in range(levels)}
    for key, value in vae.state_dict().items():
        found = _said(key, words)
        if ".attn_1." in found:
            found = _said(found, ATTENTION_WORDS)
            value = value[:, :, None, None] if value.ndim == 2 else value
        yield found, value


def _open_clip(tensors: Mapping[str, torch.Tensor], prefix: str, *, repeats_last: bool = False) -> Tensors:
    """OpenCLIP joins the three projections, and SD 2's file has one more layer, which is never read."""
    plain = {key.removeprefix("text_model."): value for key, value in tensors.items()}
    found = {prefix + new: plain[old] for old, new in OPEN_CLIP_TABLES.items()}
    if "text_projection.weight" in plain:
        found[f"{prefix}text_projection"] = plain["text_projection.weight"].T
    layers = 1 + max(int(key.split(".")[2]) for key in plain if key.startswith("encoder.layers."))
    for number in range(layers + repeats_last):
        source = f"encoder.layers.{min(number, layers - 1)}."
        target = f"{prefix}transformer.resblocks.{number}."
        own = {key.removeprefix(source): value for key, value in plain.items() if key.startswith(source)}
        for kind in ("weight", "bias"):
            joined = torch.cat([own.pop(f"self_attn.{one}_proj.{kind}") for one in "qkv"])
            found[f"{target}attn.in_proj_{kind}"] = joined
        found |= {target + _said(key, OPEN_CLIP_WORDS): value for key, value in own.items()}
    return found


def _said(key: str, words: Mapping[str, str]) -> str:
    for old, new in words.items():
        key = key.replace(old, new)
    return key
