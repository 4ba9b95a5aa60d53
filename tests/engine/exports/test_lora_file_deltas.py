"""What exported LoRA files do to every weight: read by plain diffusers, and by a reader of kohya's keys of our own."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
import torch
from diffusers import DiffusionPipeline
from peft.tuners.lora import LoraLayer
from safetensors.torch import load

from engine.exports.lora_file import diffusers_file, kohya_file
from engine.models.adapters.file import TEXT_PREFIXES
from engine.models.adapters.shape import Shape
from engine.models.machine import Machine
from tests.engine.exports.test_lora_file import about
from tests.engine.sealing import ATTENTION, RESIDUAL, WIDE
from tests.engine.tiny_models import FAMILIES, tiny_folder, tiny_machine

RESIDUAL_NAMES = {
    ".conv1": ".in_layers.2",
    ".conv2": ".out_layers.3",
    ".conv_shortcut": ".skip_connection",
    ".time_emb_proj": ".emb_layers.1",
}
Deltas = dict[str, torch.Tensor]
"""Change of a weight by `unet.…`, `text_encoder.…` and `text_encoder_2.…`."""


@dataclass(frozen=True)
class Case:
    """An adapter as the expert screen may ask for it."""

    shape: Shape
    with_text: bool = False


PLAIN = Shape(4, 2, ATTENTION)
PATTERNED = replace(PLAIN, rank_pattern={"to_q": 8, "up_blocks.*to_k": 2}, alpha_pattern={"to_v": 8})
CASES = {
    "alpha is half": Case(Shape(4, 2, WIDE)),
    "rsLoRA": Case(replace(PLAIN, use_rslora=True)),
    "patterns": Case(PATTERNED),
    "patterns under rsLoRA": Case(replace(PATTERNED, use_rslora=True)),
    "convolutions": Case(Shape(4, 2, (*WIDE, *RESIDUAL))),
    "DoRA": Case(replace(PLAIN, use_dora=True)),
    "DoRA with convolutions": Case(Shape(4, 2, (*ATTENTION, *RESIDUAL), use_dora=True)),
    "text encoders": Case(PLAIN, with_text=True),
    "text encoders under rsLoRA and patterns": Case(replace(PATTERNED, use_rslora=True), with_text=True),
    "text encoders with DoRA": Case(replace(PLAIN, use_dora=True), with_text=True),
}
WITHOUT_DORA = {name: case for name, case in CASES.items() if not case.shape.use_dora}


def lively(machine: Machine, case: Case) -> bytes:
    """An adapter whose every tensor does something."""
    machine.bank.attach("lively", case.shape, seed=1)
    if case.with_text:
        machine.bank.attach_text("lively", case.shape, seed=2)
    named = {
        **machine.bank.unet.parameters("lively"),
        **machine.bank.text_parameters("lively"),
    }
    chance = torch.Generator().manual_seed(3)
    for key, parameter in named.items():
        noise = torch.randn(parameter.shape, generator=chance)
        parameter.data = parameter.data * (1 + noise / 5) if "magnitude" in key else noise / 5
    data = machine.bank.save("lively")
    machine.bank.drop("lively")
    return data


def parts(thing: Any) -> Iterator[tuple[str, Any]]:
    """The parts of a machine or a pipeline that adapters can be on."""
    if isinstance(thing, Machine):
        yield from zip(("unet", *TEXT_PREFIXES), (thing.unet, *thing.text_encoders), strict=False)
    else:
        yield from ((name, getattr(thing, name)) for name in ("unet", *TEXT_PREFIXES) if hasattr(thing, name))


def base_weight(module: Any) -> torch.Tensor:
    weight: torch.Tensor = getattr(module, "base_layer", module).weight.detach()
    return weight


def magnified(weight: torch.Tensor, delta: torch.Tensor, magnitude: torch.Tensor) -> torch.Tensor:
    """DoRA (Liu et al. 2024, arXiv 2402.09353, equation 5) with one magnitude an output."""
    moved = weight + delta
    sizes = moved.flatten(1).norm(dim=1)
    change: torch.Tensor = moved * (magnitude.flatten() / sizes).view(-1, *[1] * (weight.dim() - 1)) - weight
    return change


def by_the_engine(machine: Machine, data: bytes) -> Deltas:
    found = {}
    machine.bank.load("seal", data)
    for part, model in parts(machine):
        for name, module in model.named_modules():
            if isinstance(module, LoraLayer) and "seal" in module.lora_A:
                delta = module.get_delta_weight("seal").detach()
                if "seal" in module.lora_magnitude_vector:
                    delta = magnified(base_weight(module), delta, module.lora_magnitude_vector["seal"].weight.detach())
                found[f"{part}.{name}"] = delta.clone()
    machine.bank.drop("seal")
    return found


def by_diffusers(family: str, file: Path) -> Deltas:
    pipeline = DiffusionPipeline.from_pretrained(tiny_folder(family), use_safetensors=True)
    pipeline.load_lora_weights(str(file.parent), weight_name=file.name)
    pipeline.fuse_lora()
    bare, found = dict(parts(tiny_machine(family))), {}
    for part, model in parts(pipeline):
        for name, module in model.named_modules():
            if isinstance(module, LoraLayer):
                found[f"{part}.{name}"] = base_weight(module) - base_weight(bare[part].get_submodule(name))
    return found


def stability_names(unet: Any) -> dict[str, str]:
    """Our block names → those of Stability's SDXL U-Net, by walking it in the order in which it is run."""
    found, number = {}, 1
    for place, block in enumerate(unet.down_blocks):
        for layer in range(len(block.resnets)):
            found[f"down_blocks.{place}.resnets.{layer}."] = f"input_blocks.{number}.0."
            found[f"down_blocks.{place}.attentions.{layer}."] = f"input_blocks.{number}.1."
            number += 1
        if block.downsamplers:
            found[f"down_blocks.{place}.downsamplers.0.conv"] = f"input_blocks.{number}.0.op"
            number += 1
    number = 0
    for place, block in enumerate(unet.up_blocks):
        for layer in range(len(block.resnets)):
            found[f"up_blocks.{place}.resnets.{layer}."] = f"output_blocks.{number}.0."
            found[f"up_blocks.{place}.attentions.{layer}."] = f"output_blocks.{number}.1."
            number += 1
        if block.upsamplers:
            found[f"up_blocks.{place}.upsamplers.0.conv"] = f"output_blocks.{number - 1}.2.conv"
    middle = {"resnets.0": 0, "attentions.0": 1, "resnets.1": 2}
    found.update({f"mid_block.{ours}.": f"middle_block.{theirs}." for ours, theirs in middle.items()})
    return found


def kohya_name(machine: Machine, part: str, name: str) -> str:
    """As kohya's scripts would call this module."""
    if part != "unet":
        number = "" if machine.family != "sdxl" else "2" if part.endswith("2") else "1"
        return f"lora_te{number}_text_model_" + name.removeprefix("text_model.").replace(".", "_")
    if machine.family == "sdxl":
        for ours, theirs in stability_names(machine.unet).items():
            if name.startswith(ours):
                name = theirs + name.removeprefix(ours)
        for ours, theirs in RESIDUAL_NAMES.items():
            name = name.replace(ours, theirs)
    return "lora_unet_" + name.replace(".", "_")


def by_kohyas_keys(machine: Machine, data: bytes) -> Deltas:
    """up · down · alpha / rank, and dora_scale as ComfyUI and Forge merge it; every key must be used."""
    tensors = {key: tensor.float() for key, tensor in load(data).items()}
    found = {}
    for part, model in parts(machine):
        for name, module in model.named_modules():
            own = kohya_name(machine, part, name)
            if f"{own}.lora_down.weight" not in tensors:
                continue
            down, up = tensors.pop(f"{own}.lora_down.weight"), tensors.pop(f"{own}.lora_up.weight")
            delta = up.flatten(1) @ down.flatten(1) * (tensors.pop(f"{own}.alpha") / len(down))
            delta = delta.view(len(up), *down.shape[1:])
            if f"{own}.dora_scale" in tensors:
                scale = tensors.pop(f"{own}.dora_scale")
                assert scale.dim() == delta.dim()
                delta = MERGED["ComfyUI and Forge"](base_weight(module), delta, scale) - base_weight(module)
            found[f"{part}.{name}"] = delta
    assert tensors == {}
    return found


def by_output(weight: torch.Tensor) -> torch.Tensor:
    return weight.flatten(1).norm(dim=1).reshape(-1, *[1] * (weight.dim() - 1))


def by_input(weight: torch.Tensor) -> torch.Tensor:
    return by_output(weight.transpose(0, 1)).transpose(0, 1)


MERGED = {
    # comfy/weight_adapter/base.py and Forge's backend/patcher/lora.py: weight_decompose, wd_on_output_axis
    "ComfyUI and Forge": lambda weight, delta, scale: (weight + delta) * (scale / by_output(weight)),
    # lycoris/modules/locon.py: apply_weight_decompose, wd_on_out
    "LyCORIS": lambda weight, delta, scale: (weight + delta) * (scale / by_output(weight + delta)),
    # extensions-builtin/Lora/network.py: apply_weight_decompose; ComfyUI's before it knew the output's axis
    "A1111": lambda weight, delta, scale: (weight + delta) * (scale / by_input(weight + delta)),
}


@pytest.mark.parametrize("family", FAMILIES)
def test_the_programs_that_the_message_turns_away_would_draw_something_else(family: str) -> None:
    machine = tiny_machine(family)
    data = lively(machine, CASES["DoRA with convolutions"])
    tensors = {key: one.float() for key, one in load(written(machine, data, family)).items()}
    wanted = by_the_engine(machine, data)
    off: dict[str, list[float]] = {rule: [] for rule in MERGED}
    for part, model in parts(machine):
        for name, module in model.named_modules():
            own = kohya_name(machine, part, name)
            if f"{own}.dora_scale" not in tensors:
                continue
            down, up = tensors[f"{own}.lora_down.weight"], tensors[f"{own}.lora_up.weight"]
            delta = (up.flatten(1) @ down.flatten(1)).view(len(up), *down.shape[1:])
            delta = delta * tensors[f"{own}.alpha"] / len(down)
            weight, change = base_weight(module), wanted[f"{part}.{name}"]
            for rule, merge in MERGED.items():
                error = merge(weight, delta, tensors[f"{own}.dora_scale"]) - weight - change
                off[rule].append(float(error.norm() / change.norm()))
    assert max(off["ComfyUI and Forge"]) < 0.02
    assert max(off["A1111"]) > 0.02
    assert max(off["LyCORIS"]) > 0.02


def written(machine: Machine, data: bytes, family: str) -> bytes:
    return kohya_file(data, about(family), machine.bank.weight_of)


def assert_same(found: Deltas, wanted: Deltas) -> None:
    assert found.keys() == wanted.keys()
    for name, delta in wanted.items():
        assert (found[name] - delta).norm() / delta.norm() <= 1e-3, name


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_the_diffusers_file_changes_every_weight_as_the_engine_does(tmp_path: Path, family: str, case: Case) -> None:
    machine = tiny_machine(family)
    data, file = lively(machine, case), tmp_path / "peft.safetensors"
    file.write_bytes(diffusers_file(data, about(family)))
    wanted = by_the_engine(machine, data)
    assert any(name.startswith("text_encoder") for name in wanted) is case.with_text
    assert_same(by_diffusers(family, file), wanted)


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_the_kohya_file_changes_every_weight_as_the_engine_does(family: str, case: Case) -> None:
    machine = tiny_machine(family)
    data = lively(machine, case)
    assert_same(by_kohyas_keys(machine, written(machine, data, family)), by_the_engine(machine, data))


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("case", WITHOUT_DORA.values(), ids=WITHOUT_DORA.keys())
def test_plain_diffusers_reads_the_kohya_file_alike(tmp_path: Path, family: str, case: Case) -> None:
    machine = tiny_machine(family)
    data, file = lively(machine, case), tmp_path / "kohya.safetensors"
    file.write_bytes(kohya_file(data, about(family)))
    assert_same(by_diffusers(family, file), by_the_engine(machine, data))
