"""Exported LoRA files, loaded fresh by plain diffusers as somebody else would."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from diffusers import DiffusionPipeline
from safetensors import safe_open
from safetensors.torch import load

from engine.exports.about import About
from engine.exports.lora_file import diffusers_file, kohya_file
from engine.models.adapters.shape import Shape
from engine.pictures.rows import Drawn, draw
from storage.recipe import Recipe
from storage.records import Drawing, Seed
from storage.requests import Row
from tests.engine.sealing import ATTENTION, RESIDUAL, SIDE, WIDE, lively_adapter
from tests.engine.tiny_models import tiny_folder, tiny_machine

SHAPES = {
    "alpha is rank": Shape(4, 4, WIDE),
    "alpha is half": Shape(4, 2, WIDE),
    "rsLoRA": Shape(4, 8, WIDE, use_rslora=True),
    "with convolutions": Shape(4, 4, (*WIDE, *RESIDUAL)),
}
PROMPT, STEPS, GUIDANCE = "a guitar, ohwx", 3, 3.0


def about(family: str) -> About:
    return About(
        name="neon-ohwx",
        trigger="ohwx",
        recipe=Recipe(),
        pictures=18,
        family=family,
        size_px=SIDE,
        layers_per_block=1,
    )


def drawn_by_diffusers(family: str, file: Path | None) -> np.ndarray[Any, Any]:
    pipeline = DiffusionPipeline.from_pretrained(tiny_folder(family), use_safetensors=True)
    pipeline.set_progress_bar_config(disable=True)
    if file is not None:
        pipeline.load_lora_weights(str(file.parent), weight_name=file.name)
    generator = torch.Generator("cpu").manual_seed(4)
    size = {"height": SIDE, "width": SIDE}
    drawn = pipeline(PROMPT, num_inference_steps=STEPS, guidance_scale=GUIDANCE, generator=generator, **size)
    return np.asarray(drawn.images[0], float)


def drawn_by_the_engine(family: str, adapter: bytes) -> np.ndarray[Any, Any]:
    machine = tiny_machine(family)
    machine.bank.load("seal", adapter)
    drawing = Drawing(steps=STEPS, guidance_scale=GUIDANCE, width_px=SIDE, height_px=SIDE)
    row = Row(prompt=PROMPT, negative="", seed=Seed(4), subject="guitar", drawing=drawing)
    moments = list(draw(machine, [row], lambda _row: {"seal": 1.0}))
    machine.bank.drop("seal")
    return next(np.asarray(moment.image, float) for moment in moments if isinstance(moment, Drawn))


def psnr(one: np.ndarray[Any, Any], other: np.ndarray[Any, Any]) -> float:
    error = float(((one - other) ** 2).mean())
    return 99.0 if error == 0 else 10 * float(np.log10(255**2 / error))


@pytest.mark.parametrize("family", ["sd1", "sd2", "sdxl"])
@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES.keys())
def test_both_files_draw_in_plain_diffusers_what_the_engine_draws(tmp_path: Path, family: str, shape: Shape) -> None:
    adapter = lively_adapter(tiny_machine(family), shape)
    kohya, peft = tmp_path / "kohya.safetensors", tmp_path / "peft.safetensors"
    kohya.write_bytes(kohya_file(adapter, about(family)))
    peft.write_bytes(diffusers_file(adapter, about(family)))
    without = drawn_by_diffusers(family, None)
    ours = drawn_by_the_engine(family, adapter)
    assert psnr(without, ours) < 30  # an adapter that changes nothing would prove nothing
    assert psnr(drawn_by_diffusers(family, kohya), ours) > 40
    assert psnr(drawn_by_diffusers(family, peft), ours) > 40


def test_a_dora_file_carries_its_magnitudes(tmp_path: Path) -> None:
    adapter = lively_adapter(tiny_machine("sd1"), Shape(4, 2, ATTENTION, use_dora=True))
    peft = tmp_path / "peft.safetensors"
    peft.write_bytes(diffusers_file(adapter, about("sd1")))
    assert psnr(drawn_by_diffusers("sd1", peft), drawn_by_the_engine("sd1", adapter)) > 35
    kohya = kohya_file(adapter, about("sd1"), tiny_machine("sd1").bank.weight_of)
    assert any(key.endswith(".dora_scale") for key in load(kohya))
    said = json.loads(kohya[8 : 8 + int.from_bytes(kohya[:8], "little")])["__metadata__"]
    assert "lycoris" not in json.dumps(said).lower(), "LyCORIS merges a DoRA by another rule"
    assert json.loads(said["ss_network_args"]) == {"use_dora": True}
    with pytest.raises(ValueError, match="weights"):
        kohya_file(adapter, about("sd1"))


def test_kohya_numbers_the_blocks_of_sdxl_as_stability_does() -> None:
    adapter = lively_adapter(tiny_machine("sdxl"), Shape(2, 2, ATTENTION))
    modules = {key.split(".")[0] for key in load(kohya_file(adapter, about("sdxl")))}
    assert "lora_unet_input_blocks_3_1_transformer_blocks_0_attn1_to_q" in modules
    assert "lora_unet_middle_block_1_transformer_blocks_0_attn2_to_out_0" in modules
    assert "lora_unet_output_blocks_1_1_transformer_blocks_0_attn2_to_k" in modules


@pytest.mark.parametrize(
    ("shape", "alpha"),
    [(SHAPES["alpha is half"], 2.0), (SHAPES["rsLoRA"], 16.0)],  # alpha · √rank under rsLoRA
    ids=["alpha is half", "rsLoRA"],
)
def test_kohya_alpha_says_the_true_strength(shape: Shape, alpha: float) -> None:
    tensors = load(kohya_file(lively_adapter(tiny_machine("sd1"), shape), about("sd1")))
    assert {float(tensor) for key, tensor in tensors.items() if key.endswith(".alpha")} == {alpha}


@pytest.mark.parametrize("write", [kohya_file, diffusers_file])
def test_the_same_adapter_gives_the_same_bytes_in_half_precision(write: Any) -> None:
    adapter = lively_adapter(tiny_machine("sd1"), SHAPES["alpha is rank"])
    data = write(adapter, about("sd1"))
    assert data == write(adapter, about("sd1"))
    assert {tensor.dtype for tensor in load(data).values()} == {torch.float16}


def test_the_header_names_trigger_rank_and_hash_but_no_path_or_date(tmp_path: Path) -> None:
    file = tmp_path / "kohya.safetensors"
    file.write_bytes(kohya_file(lively_adapter(tiny_machine("sd1"), SHAPES["alpha is half"]), about("sd1")))
    with safe_open(str(file), framework="pt") as opened:
        facts = opened.metadata()
    assert (facts["ss_network_dim"], facts["ss_network_alpha"]) == ("4", "2")
    assert json.loads(facts["ss_tag_frequency"]) == {"palette": {"ohwx": 18}}
    assert facts["modelspec.trigger_phrase"] == "ohwx"
    assert facts["modelspec.resolution"] == "64x64"
    assert facts["modelspec.hash_sha256"] == f"0x{facts['sshs_model_hash']}"
    assert not any("/" in value for key, value in facts.items() if key != "modelspec.architecture")
    assert not any("date" in key or "_at" in key for key in facts)
