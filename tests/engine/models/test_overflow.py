"""What is no number in half precision is drawn again in fp32; what stays so is said, and is never a black picture."""

from __future__ import annotations

import copy
import io
import math
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file, save_file

from engine.jobs import run
from engine.jobs.events import Drew, Finished, Task
from engine.measures.style_features import style_features
from engine.models.loading import load_model
from engine.models.machine import Machine
from engine.pictures.latents import posterior
from engine.training.dataset import prepare
from storage.errors import ModelNotFinite, ModelRefused
from storage.requests import HuntRequest
from storage.states import ModelFault
from tests.engine.drawing import drawn, psnr, rows_of
from tests.engine.sealing import Memory, small_training
from tests.engine.tiny_models import tiny_folder, tiny_machine


def in_half(spoil: Callable[[Machine], None]) -> tuple[Machine, Machine]:
    """A tiny machine that computes in fp16, and one in fp32 with the same numbers; `spoil` changes both."""
    tiny = tiny_machine("sd1")
    half = replace(
        tiny,
        unet=copy.deepcopy(tiny.unet).half(),
        vae=copy.deepcopy(tiny.vae).half(),
        text_encoders=tuple(copy.deepcopy(one).half() for one in tiny.text_encoders),
        dtype=torch.float16,
        vae_dtype=torch.float16,
    )
    spoil(half)
    unet, vae = copy.deepcopy(half.unet).float(), copy.deepcopy(half.vae).float()
    encoders = tuple(copy.deepcopy(one).float() for one in half.text_encoders)
    wide = {"dtype": torch.float32, "vae_dtype": torch.float32}
    return half, replace(half, unet=unet, vae=vae, text_encoders=encoders, **wide)


def loud(first: torch.nn.Module, second: torch.nn.Module) -> None:
    """Numbers between two layers grow past fp16's 65,504, and are small again after the second."""
    first.weight.data.mul_(1e4)  # type: ignore[operator,union-attr]
    first.bias.data.add_(6e4)  # type: ignore[operator,union-attr]
    second.weight.data.div_(1e4)  # type: ignore[operator,union-attr]


def loud_vae(machine: Machine) -> None:
    attention = machine.vae.decoder.mid_block.attentions[0]
    loud(attention.to_v, attention.to_out[0])


def loud_unet(machine: Machine) -> None:
    loud(machine.unet.time_embedding.linear_1, machine.unet.time_embedding.linear_2)


@pytest.mark.parametrize(
    ("spoil", "widened"),
    [(loud_vae, ("vae_dtype", "dtype")), (loud_unet, ("dtype", "vae_dtype"))],
    ids=["VAE", "U-Net"],
)
def test_an_overflow_is_drawn_again_in_full_precision(
    spoil: Callable[[Machine], None], widened: tuple[str, str]
) -> None:
    half, whole = in_half(spoil)
    rows = rows_of(2, steps=2, width_px=64, height_px=64)
    found, right = drawn(half, rows), drawn(whole, rows)
    assert all(psnr(found[number], right[number]) > 25 for number in right)
    assert [getattr(half, one) for one in widened] == [torch.float32, torch.float16]
    assert drawn(half, rows).keys() == right.keys()  # and is remembered


def test_a_model_that_overflows_nowhere_stays_in_half_precision() -> None:
    half, _ = in_half(lambda _machine: None)
    drawn(half, rows_of(1, steps=2, width_px=64, height_px=64))
    assert (half.dtype, half.vae_dtype) == (torch.float16, torch.float16)


def broken(part: str, layer: str) -> Machine:
    machine = copy.copy(tiny_machine("sd1"))
    spoilt = copy.deepcopy(getattr(machine, part))
    next(spoilt.get_submodule(layer).parameters()).data.fill_(math.nan)
    return replace(machine, **{part: spoilt})


@pytest.mark.parametrize(("part", "layer"), [("vae", "decoder.conv_out"), ("unet", "conv_out")])
def test_a_picture_that_is_no_number_is_never_handed_out(part: str, layer: str) -> None:
    request = HuntRequest(rows=tuple(rows_of(2, steps=2, width_px=64, height_px=64)))
    events: list[object] = []
    with pytest.raises(ModelNotFinite) as caught:
        events.extend(run(request, broken(part, layer), Task(job_id=1, read=lambda _file: b"")))
    assert str(caught.value.facts["part"]) == part
    assert not any(isinstance(event, Drew | Finished) for event in events)


def test_one_bad_row_does_not_harm_the_others() -> None:
    machine = copy.copy(tiny_machine("sd1"))
    good = rows_of(3, steps=2, width_px=64, height_px=64)
    expected = drawn(machine, good)
    spoilt = replace(machine, unet=Spoiler(machine.unet, row=1))
    found = {}
    request = HuntRequest(rows=tuple(good))
    for event in run(request, spoilt, Task(job_id=1, read=lambda _file: b"")):
        if isinstance(event, Drew):
            found[event.position] = np.asarray(Image.open(io.BytesIO(event.png)))
        if isinstance(event, Finished):
            assert (event.answer.drawn, event.answer.lost) == (2, 1)
    assert found.keys() == {0, 2}
    assert all(np.array_equal(found[number], np.asarray(expected[number])) for number in found)


class Spoiler(torch.nn.Module):
    """A U-Net that overflows for one row of its batch, whatever the precision."""

    def __init__(self, unet: torch.nn.Module, row: int) -> None:
        super().__init__()
        self.unet, self.row, self.config = unet, row, unet.config

    def forward(self, *inputs: object, **named: object) -> tuple[torch.Tensor]:
        answer: torch.Tensor = self.unet(*inputs, **named)[0].clone()
        answer[self.row] = math.inf
        return (answer,)


def test_latents_and_features_that_are_no_numbers_are_said() -> None:
    machine, image = broken("vae", "encoder.conv_in"), Image.new("RGB", (64, 64))
    memory = Memory()
    asked = small_training(memory)
    acts: list[Callable[[], object]] = [
        lambda: posterior(machine, image),
        lambda: style_features(machine, image),
        lambda: prepare(machine, asked.pictures, memory.files.__getitem__, asked.recipe, asked.trigger),
    ]
    for act in acts:
        with pytest.raises(ModelNotFinite):
            act()


@pytest.mark.parametrize(
    ("file", "layer", "fault"),
    [
        ("unet", "conv_out.bias", ModelFault.NOT_FINITE),
        ("vae", "decoder.conv_out.bias", ModelFault.NOT_FINITE),
    ],
)
def test_a_model_that_loads_but_says_no_numbers_is_refused_at_load(
    file: str, layer: str, fault: ModelFault, tmp_path: Path
) -> None:
    folder = tmp_path / "model"
    shutil.copytree(tiny_folder("sd1"), folder)
    path = folder / file / "diffusion_pytorch_model.safetensors"
    tensors = load_file(path)
    save_file({**tensors, layer: torch.full_like(tensors[layer], math.nan)}, path, metadata={"format": "pt"})
    with pytest.raises(ModelRefused) as caught:
        load_model(str(folder), device="cpu")
    assert caught.value.facts["fault"] is fault
