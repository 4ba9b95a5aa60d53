"""Rows: a seed gives its picture whatever the company, and what is drawn twice is the same."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
import torch
from diffusers import (
    DDIMScheduler,
    DiffusionPipeline,
    DPMSolverMultistepScheduler,
    EulerDiscreteScheduler,
    UniPCMultistepScheduler,
)

from emoji_sd import WEIGHTS
from engine.models.machine import Machine
from engine.models.text.prompts import chunk_count
from engine.pictures.batch import Batch
from engine.pictures.png_parameters import png_bytes
from engine.pictures.rows import GROUP_ROWS, Denoised, Drawn, draw, group_rows
from storage.records import Drawing, Seed
from storage.requests import Row
from storage.states import ANCESTRAL, Sampler
from tests.engine.drawing import drawn, psnr, rows_of
from tests.engine.tiny_models import FAMILIES, emoji_machine, tiny_folder, tiny_machine


@pytest.mark.parametrize("sampler", list(Sampler))
def test_a_picture_in_a_batch_is_the_picture_its_seed_gives_alone(sampler: Sampler) -> None:
    machine = emoji_machine()
    rows = rows_of(3, sampler=sampler)
    together = drawn(machine, rows)
    for position, row in enumerate(rows):
        assert psnr(together[position], drawn(machine, [row])[0]) > 45


@pytest.mark.parametrize("sampler", list(Sampler))
@pytest.mark.parametrize("family", FAMILIES)
def test_the_latents_of_a_batch_are_those_of_its_rows_alone(family: str, sampler: Sampler) -> None:
    machine = tiny_machine(family)
    rows = rows_of(3, sampler=sampler, width_px=64, height_px=64, guidance_scale=7.0)
    together = latents(machine, rows)
    alone = torch.cat([latents(machine, [row]) for row in rows])
    assert (together - alone).abs().max() <= 1e-4


def latents(machine: Machine, rows: Sequence[Row]) -> torch.Tensor:
    (group,) = group_rows(machine, rows)
    batch = Batch(machine, group)
    for timestep in batch.timesteps:
        batch.step(timestep)
    return batch.latents


@pytest.mark.parametrize("sampler", sorted(set(Sampler) - ANCESTRAL))
def test_the_same_request_gives_the_same_bytes_twice(sampler: Sampler) -> None:
    machine = emoji_machine()
    first, second = (drawn(machine, rows_of(2, sampler=sampler)) for _ in range(2))
    assert [png_bytes(first[n], "") for n in first] == [png_bytes(second[n], "") for n in second]


def test_what_is_missing_is_redrawn_to_the_byte() -> None:
    machine = emoji_machine()
    rows = rows_of(GROUP_ROWS + 2)
    whole = drawn(machine, rows)
    rest = drawn(machine, rows, skip=frozenset({0, 1, 2, GROUP_ROWS}))
    assert sorted(rest) == [3, GROUP_ROWS + 1]
    assert all(png_bytes(rest[n], "") == png_bytes(whole[n], "") for n in rest)


def test_different_seeds_and_prompts_give_different_pictures() -> None:
    machine = emoji_machine()
    one, two = drawn(machine, rows_of(2)).values()
    other = drawn(machine, rows_of(1, prompt="a castle, neon sign"))[0]
    assert psnr(one, two) < 30
    assert psnr(one, other) < 30


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("sampler", list(Sampler))
def test_every_family_draws_with_every_sampler(family: str, sampler: Sampler) -> None:
    machine = tiny_machine(family)
    pictures = drawn(machine, rows_of(2, sampler=sampler, width_px=64, height_px=64, guidance_scale=7.0))
    assert [picture.size for picture in pictures.values()] == [(64, 64)] * 2
    assert all(np.asarray(picture).std() > 1 for picture in pictures.values())


@pytest.mark.parametrize("family", FAMILIES)
def test_a_prompt_of_two_chunks_is_drawn_beside_a_short_one_without_changing_it(family: str) -> None:
    machine = tiny_machine(family)
    short = rows_of(1, width_px=64, height_px=64)[0]
    long = rows_of(1, width_px=64, height_px=64, prompt="a fox BREAK a hat")[0]
    assert png_bytes(drawn(machine, [long, short])[1], "") == png_bytes(drawn(machine, [short])[0], "")


PLAIN = {
    Sampler.DDIM: lambda config: DDIMScheduler.from_config(config),
    Sampler.EULER: lambda config: EulerDiscreteScheduler.from_config(config),
    Sampler.UNIPC: lambda config: UniPCMultistepScheduler.from_config(config),
    Sampler.DPMPP_2M_KARRAS: lambda config: DPMSolverMultistepScheduler.from_config(config, use_karras_sigmas=True),
}


@pytest.mark.filterwarnings("ignore:__array__:DeprecationWarning")  # diffusers hands tensors to np.array
@pytest.mark.parametrize(
    ("family", "sampler"),
    [("emoji", Sampler.DDIM), *((family, sampler) for family in FAMILIES for sampler in PLAIN)],
)
def test_plain_diffusers_draws_the_same_picture_from_the_same_seed(family: str, sampler: Sampler) -> None:
    machine = emoji_machine() if family == "emoji" else tiny_machine(family)
    folder = WEIGHTS if family == "emoji" else tiny_folder(family)
    plain = DiffusionPipeline.from_pretrained(folder, dtype=torch.float32, use_safetensors=True)
    plain.scheduler = PLAIN[sampler](plain.scheduler.config)
    plain.set_progress_bar_config(disable=True)
    row = rows_of(1, steps=8, sampler=sampler, width_px=machine.size_px, height_px=machine.size_px)[0]
    expected = plain(
        row.prompt,
        negative_prompt=row.negative,
        num_inference_steps=8,
        guidance_scale=row.drawing.guidance_scale,
        width=machine.size_px,
        height=machine.size_px,
        generator=torch.Generator("cpu").manual_seed(int(row.seed)),
    ).images[0]
    assert psnr(drawn(machine, [row])[0], expected) >= 50


def test_without_guidance_the_negative_prompt_costs_and_changes_nothing() -> None:
    machine = emoji_machine()
    rows = [
        Row(prompt="a fox", negative=negative, seed=Seed(1), subject="", drawing=Drawing(steps=3, guidance_scale=1))
        for negative in ("", "blurry, castle")
    ]
    one, two = drawn(machine, rows).values()
    assert png_bytes(one, "") == png_bytes(two, "")


def test_every_step_is_a_moment_to_give_way_and_the_count_comes_out_even() -> None:
    machine = tiny_machine("sd1")
    rows = [*rows_of(5, width_px=64, height_px=64), *rows_of(2, width_px=64, height_px=64, steps=6)]
    steps = [moment for moment in draw(machine, rows) if isinstance(moment, Denoised)]
    assert len(steps) == 4 + 4 + 6
    assert steps[-1].done == steps[-1].total == 5 * 4 + 2 * 6


def test_groups_are_decided_by_the_request_alone() -> None:
    machine = tiny_machine("sd1")
    rows = [*rows_of(3), *rows_of(1, steps=9), *rows_of(3)]
    assert [group.positions for group in group_rows(machine, rows)] == [(0, 1, 2, 4), (3,), (5, 6)]


def test_a_trigger_that_learnt_more_tokens_than_it_had_may_need_another_chunk() -> None:
    machine = tiny_machine("sd1")
    prompt = " ".join(["fox"] * 17) + ", ohwx"
    assert chunk_count(machine, prompt) == 1
    machine.bank.tokens.begin("seal", "ohwx", 9, seed=1)
    with machine.bank.activate({"seal": 1.0}):
        assert chunk_count(machine, prompt) == 2
    (row,) = rows_of(1, prompt=prompt, width_px=64, height_px=64)
    moments = list(draw(machine, [row], lambda _row: {"seal": 1.0}))
    assert isinstance(moments[-1], Drawn)
    machine.bank.tokens.drop("seal")


def test_drawing_leaves_the_global_random_state_and_the_gradient_mode_alone() -> None:
    before = torch.random.get_rng_state()
    moments = draw(tiny_machine("sd1"), rows_of(1, width_px=64, height_px=64, sampler=Sampler.EULER_A))
    for _ in moments:
        assert torch.is_grad_enabled()
    assert torch.equal(before, torch.random.get_rng_state())


def test_where_the_memory_holds_no_group_each_row_is_drawn_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    machine = emoji_machine()
    rows = rows_of(3)
    together = drawn(machine, rows)
    whole, tried = machine.unet.forward, []

    def small(sample: torch.Tensor, *args: object, **more: object) -> object:
        tried.append(len(sample))
        if len(sample) > 2:  # one row and its unguided twin
            raise torch.OutOfMemoryError
        return whole(sample, *args, **more)

    monkeypatch.setattr(machine.unet, "forward", small)
    alone = drawn(machine, rows)
    assert tried.count(6) == 1, "the same plan is not tried twice"
    assert all(psnr(together[position], alone[position]) > 45 for position in range(3))


def test_where_not_even_one_row_fits_it_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    def none(*_args: object, **_more: object) -> object:
        raise torch.OutOfMemoryError

    machine = emoji_machine()
    monkeypatch.setattr(machine.unet, "forward", none)
    with pytest.raises(torch.OutOfMemoryError):
        drawn(machine, rows_of(3))
