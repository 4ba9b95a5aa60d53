"""How kohya's trainers call a module: the names that A1111, ComfyUI and Forge look for."""

from __future__ import annotations

import re

from engine.exports.about import About
from storage.families import FAMILIES

SGM_PARTS = ("resnets", "attentions")  # in this order inside one of Stability's blocks
SGM_NAMES = {
    "mid_block.resnets.0": "middle_block.0",
    "mid_block.attentions.0": "middle_block.1",
    "mid_block.resnets.1": "middle_block.2",
    ".conv_shortcut": ".skip_connection",
    ".time_emb_proj": ".emb_layers.1",
    ".conv1": ".in_layers.2",
    ".conv2": ".out_layers.3",
}
SGM_ENDS = {"conv_in": "input_blocks.0.0", "conv_out": "out.2"}


def kohya_module(module: str, about: About) -> str:
    """kohya's name of a module of the U-Net, or of a text encoder's behind `text_encoder.` or `text_encoder_2.`."""
    row = FAMILIES[about.family]
    for prefix, number in (("text_encoder.", "1"), ("text_encoder_2.", "2")):
        if module.startswith(prefix):
            encoder = f"lora_te{number if row.kohya_numbers_encoders else ''}_"
            return encoder + module.removeprefix(prefix).replace(".", "_")
    if row.kohya_unet_is_stabilitys:
        module = sgm_module(module, about.layers_per_block + 1)
    return "lora_unet_" + module.replace(".", "_")


def sgm_module(module: str, width: int) -> str:
    """The name in Stability's own SDXL U-Net, which kohya trains: blocks numbered through, `width` a resolution."""

    def numbered(match: re.Match[str]) -> str:
        side, block, kind, layer = match[1], int(match[2]), match[3], int(match[4])
        number = width * block + layer + (side == "down")  # the first input block is conv_in
        return f"{'input' if side == 'down' else 'output'}_blocks.{number}.{SGM_PARTS.index(kind)}"

    if module in SGM_ENDS:
        return SGM_ENDS[module]
    if sampler := re.fullmatch(r"(down|up)_blocks\.(\d+)\.\w+\.0\.conv", module):
        last = width * (int(sampler[2]) + 1)  # smaller: a block of its own; larger: behind a block's attention
        return f"input_blocks.{last}.0.op" if sampler[1] == "down" else f"output_blocks.{last - 1}.2.conv"
    module = re.sub(r"^(down|up)_blocks\.(\d+)\.(resnets|attentions)\.(\d+)", numbered, module)
    for ours, theirs in SGM_NAMES.items():
        module = module.replace(ours, theirs)
    return module
