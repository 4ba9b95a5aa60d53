"""Learnt tokens as a file: plain diffusers draws with it what the engine draws."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from diffusers import DiffusionPipeline
from safetensors import safe_open
from safetensors.torch import load, load_file

from engine.exports.embedding_file import embedding_file
from engine.exports.lora_file import diffusers_file, kohya_file
from engine.models.adapters.shape import Shape
from engine.models.machine import Machine
from engine.pictures.rows import Drawn, draw
from storage.records import Drawing, Seed
from storage.requests import Row
from tests.engine.exports.test_lora_file import GUIDANCE, PROMPT, STEPS, about, psnr
from tests.engine.sealing import ATTENTION, SIDE, Memory, lively_adapter, small_training
from tests.engine.tiny_models import FAMILIES, tiny_folder, tiny_machine
from tests.engine.training.test_text_side import run, training


def tokens_adapter(machine: Machine, count: int = 2) -> bytes:
    """Tokens far from what their trigger meant, and nothing else."""
    machine.bank.attach("tokens", Shape(4, 4, ()), seed=0)
    machine.bank.tokens.begin("tokens", "ohwx", count, seed=1)
    learnt = machine.bank.tokens.of("tokens")
    assert learnt is not None
    chance = torch.Generator().manual_seed(2)
    for rows in learnt.rows:
        rows.data += torch.randn(rows.shape, generator=chance)
    data = machine.bank.save("tokens")
    machine.bank.drop("tokens")
    return data


def drawn_by_the_engine(machine: Machine, adapter: str) -> np.ndarray[Any, Any]:
    drawing = Drawing(steps=STEPS, guidance_scale=GUIDANCE, width_px=SIDE, height_px=SIDE)
    row = Row(prompt=PROMPT, negative="", seed=Seed(4), subject="guitar", drawing=drawing)
    moments = list(draw(machine, [row], lambda _row: {adapter: 1.0} if adapter else {}))
    return next(np.asarray(moment.image, float) for moment in moments if isinstance(moment, Drawn))


def drawn_by_diffusers(family: str, lora: Path | None, embedding: Path | None) -> np.ndarray[Any, Any]:
    pipeline = DiffusionPipeline.from_pretrained(tiny_folder(family), use_safetensors=True)
    pipeline.set_progress_bar_config(disable=True)
    if lora is not None:
        pipeline.load_lora_weights(str(lora.parent), weight_name=lora.name)
    if embedding is not None and family == "sdxl":
        rows = load_file(embedding)
        for key, number in (("clip_l", ""), ("clip_g", "_2")):
            encoder, tokenizer = getattr(pipeline, f"text_encoder{number}"), getattr(pipeline, f"tokenizer{number}")
            pipeline.load_textual_inversion(rows[key], token="ohwx", text_encoder=encoder, tokenizer=tokenizer)
    elif embedding is not None:
        pipeline.load_textual_inversion(str(embedding), token="ohwx")
    generator = torch.Generator("cpu").manual_seed(4)
    size = {"height": SIDE, "width": SIDE}
    drawn = pipeline(PROMPT, num_inference_steps=STEPS, guidance_scale=GUIDANCE, generator=generator, **size)
    return np.asarray(drawn.images[0], float)


@pytest.mark.parametrize("family", FAMILIES)
def test_plain_diffusers_reads_learnt_tokens_as_textual_inversion(tmp_path: Path, family: str) -> None:
    machine, file = tiny_machine(family), tmp_path / "ohwx.safetensors"
    data = tokens_adapter(machine)
    file.write_bytes(embedding_file(data, about(family)))
    machine.bank.load("seal", data)
    ours, bare = drawn_by_the_engine(machine, "seal"), drawn_by_the_engine(machine, "")
    machine.bank.drop("seal")
    theirs = drawn_by_diffusers(family, None, file)
    assert psnr(theirs, ours) > 50
    assert psnr(theirs, ours) > psnr(bare, ours)  # tokens that change nothing would prove nothing


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("write", [kohya_file, diffusers_file])
def test_a_preview_and_the_exported_file_of_its_step_draw_the_same_picture(
    tmp_path: Path, family: str, write: Any
) -> None:
    machine, files = tiny_machine(family), Memory()
    request = small_training(files, text_encoder_learning_rate=1e-3, new_tokens=2)
    with training(machine, request, files) as loop:
        run(loop, 4)
        preview = drawn_by_the_engine(machine, loop.name)
        data = machine.bank.save(loop.name)
    lora, embedding = tmp_path / "lora.safetensors", tmp_path / "ohwx.safetensors"
    lora.write_bytes(write(data, about(family)))
    embedding.write_bytes(embedding_file(data, about(family)))
    assert psnr(drawn_by_diffusers(family, lora, embedding), preview) >= 50
    assert psnr(drawn_by_the_engine(machine, ""), preview) < 50  # the training did change the picture


def test_the_file_has_the_keys_that_others_look_for(tmp_path: Path) -> None:
    for family, keys in (("sd1", {"ohwx"}), ("sd2", {"ohwx"}), ("sdxl", {"clip_l", "clip_g"})):
        tensors = load(embedding_file(tokens_adapter(tiny_machine(family), 3), about(family)))
        assert tensors.keys() == keys
        assert {len(rows) for rows in tensors.values()} == {3}
        assert {rows.dtype for rows in tensors.values()} == {torch.float32}


def test_the_header_names_the_trigger(tmp_path: Path) -> None:
    file = tmp_path / "ohwx.safetensors"
    file.write_bytes(embedding_file(tokens_adapter(tiny_machine("sd1")), about("sd1")))
    with safe_open(str(file), framework="pt") as opened:
        facts = opened.metadata()
    assert facts["modelspec.architecture"] == "stable-diffusion-v1/textual-inversion"
    assert facts["modelspec.trigger_phrase"] == "ohwx"


def test_a_seal_without_learnt_tokens_has_no_such_file() -> None:
    with pytest.raises(ValueError, match="no learnt tokens"):
        embedding_file(lively_adapter(tiny_machine("sd1"), Shape(2, 2, ATTENTION)), about("sd1"))
