"""The recipe's own machinery: looks, fast training on CPU, runs that resume."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from emoji_sd.recipe.data.icons import SIZE
from emoji_sd.recipe.data.looks import LOOKS, MANNERS, Look, draw
from emoji_sd.recipe.judge import judge
from emoji_sd.recipe.train import unet
from emoji_sd.recipe.train.fast_cpu import speed_up
from emoji_sd.recipe.train.precision import halved
from emoji_sd.recipe.train.runs import Constant, Cooldown, Optimization, Run, Session
from emoji_sd.recipe.train.vae import as_tensor


def disc() -> np.ndarray:
    """A red disc with a blue half, as a figure."""
    rows, columns = np.mgrid[:SIZE, :SIZE]
    figure = np.zeros((SIZE, SIZE, 4), np.uint8)
    inside = np.hypot(rows - 64, columns - 64) < 44
    figure[inside] = (210, 40, 30, 255)
    figure[inside & (columns > 64)] = (30, 60, 200, 255)
    return figure


@pytest.mark.parametrize("look", LOOKS, ids=lambda look: look.words)
def test_a_look_draws_the_figure_on_its_ground_and_the_same_for_the_same_seed(look):
    first, again = (draw(disc(), look, "mint green", np.random.default_rng(3)) for _ in range(2))
    assert first.shape == (SIZE, SIZE, 3)
    assert np.array_equal(first, again)
    corner, middle = first[:6, :6].mean((0, 1)), first[8:120, 8:120].std()
    assert middle > 5
    wall = 0.22 if look.process == "neon" else 1.0
    assert np.abs(corner - np.array([170, 228, 194]) * wall).max() < 30


def test_looks_differ_from_each_other():
    drawn = [draw(disc(), look, "white", np.random.default_rng(3)).astype(float) for look in LOOKS if look.process]
    assert all(np.abs(a - b).mean() > 2 for i, a in enumerate(drawn) for b in drawn[:i])


def draw_on(ground, words):
    """The disc in the middle; the same shade of the ground in every look."""
    look = next(look for look in LOOKS if look.words == words)
    return draw(disc(), look, ground, np.random.default_rng(3), centred=True)


def one_of(words):
    return draw_on("navy blue", words)


def colourfulness(pixels):
    return float(np.ptp(pixels.astype(float), axis=-1).mean())


def test_a_look_is_what_its_words_say():
    flat, sticker = one_of("flat vector").astype(float), one_of("flat sticker").astype(float)
    wall = flat[4, 4]  # in row 64 the disc's edges are at 25 and 103
    assert np.abs(flat[64, 21] - wall).max() < 2
    assert sticker[64, 21].min() > 245  # the margin …
    assert np.abs(sticker[64, 6] - wall).max() < 25  # … ends
    muted = one_of("muted illustration").astype(float)
    assert colourfulness(muted[40:60, 40:60]) < colourfulness(flat[40:60, 40:60]) / 2
    assert np.abs(muted[4, 4] - wall).max() < 2
    assert muted[110, 110].sum() < 0.8 * wall.sum()  # the shadow falls down to the right
    soft = one_of("soft illustration").astype(float)
    assert soft[50, 40].min() > flat[50, 40].min() + 60
    assert np.abs(np.diff(soft[64], axis=0)).max() < 0.6 * np.abs(np.diff(flat[64], axis=0)).max()
    glossy = one_of("glossy 3d render").astype(float)  # the disc's middle is at 64, 64
    assert glossy[42, 42].sum() > flat[42, 42].sum() + 40  # light from the upper left
    assert glossy[86, 86].sum() < flat[86, 86].sum() - 30
    assert glossy[96, 94].sum() < 0.8 * wall.sum()  # its shadow …
    assert np.abs(glossy[20, 20] - wall).max() < 2  # … falls on one side
    cartoon = one_of("cartoon").astype(float)
    assert cartoon[64, 23, 0] > 200  # the line is light on a dark ground …
    assert np.abs(cartoon[64, 14] - wall).max() < 2
    assert draw_on("pink", "cartoon")[64, 23].max() < 60  # … and dark on a light one
    burst = one_of("outlined comic").astype(float)
    assert np.abs(burst[4, 4] - wall).max() < 2
    assert burst[4, 40].sum() > 1.2 * wall.sum()  # a ray
    assert burst[64, 22:29].sum(-1).min() < 120  # a line around the disc …
    assert burst[64, 58:70].sum(-1).min() < 120  # … and where its colours meet …
    assert np.abs(burst[64, 44] - flat[64, 44]).max() < 2  # … and nowhere else
    cells = one_of("pixel art").reshape(16, 8, 16, 8, 3)
    assert np.ptp(cells, axis=(1, 3)).max() == 0
    old = one_of("vintage cartoon").astype(float)
    assert old[50, 50, 0] > old[50, 50, 2]
    assert colourfulness(old[40:60, 70:90]) < colourfulness(flat[40:60, 70:90]) / 2
    wash = draw_on("white", "watercolor").astype(float)
    far = np.hypot(*(np.mgrid[:SIZE, :SIZE] - 64))  # the disc ends about 39 from the middle
    left = np.mgrid[:SIZE, :SIZE][1] < 54  # its red half
    inside, rim, beyond = (wash[left & (far > a) & (far < b)].mean(0) for a, b in ((0, 30), (34, 37), (44, 48)))
    assert rim.sum() < inside.sum() - 50  # pigment gathers at the edge …
    assert beyond[0] > beyond[2] + 4  # … and bleeds beyond it, red …
    assert np.ptp(wash[:30, :30].mean(-1)) > 15  # … on blotched paper
    assert np.ptp(draw_on("white", "flat vector")[:30, :30].mean(-1)) < 1


def test_a_manner_is_what_its_words_say():
    plain, *others = (
        draw(disc(), Look("flat vector", ""), "white", np.random.default_rng(3), centred=True, manner=manner)
        for manner in MANNERS
    )
    wide = [np.ptp(np.flatnonzero(np.abs(one[64].astype(int) - one[4, 4]).max(-1) > 60)) for one in (plain, *others)]
    assert wide[1] - wide[0] in (2, 3, 4)  # a line outside …
    assert abs(wide[2] / wide[0] - 0.75) < 0.02
    for outlined in (others[0], others[2]):
        assert outlined[64, 62:67].sum(-1).min() < 120  # … and where colours meet
    for lineless in (plain, others[1]):
        assert lineless[64, 62:67].sum(-1).min() > 200


@pytest.mark.parametrize("capable", [True, False])
def test_products_are_halved_only_where_the_processor_multiplies_in_bf16(monkeypatch, capable):
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"avx2": True, "avx512_bf16": capable})
    with halved(torch.device("cpu")):
        found = torch.ones(2, 2) @ torch.ones(2, 2)
    assert found.dtype == (torch.bfloat16 if capable else torch.float32)


def test_quick_training_computes_what_plain_training_does(monkeypatch):
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"avx512_bf16": True})
    torch.manual_seed(0)
    plain, quick = unet.make(), unet.make()
    quick.load_state_dict(plain.state_dict())
    speed_up(quick)
    scheduler = unet.make_scheduler()
    latents, embeddings = torch.randn(2, 12, 16, 16), torch.randn(2, 32, 192)
    values = []
    for network in (plain, quick):
        value = unet.loss(network, scheduler, latents, embeddings, torch.Generator().manual_seed(1))
        value.backward()
        values.append(value.item())
    assert abs(values[0] - values[1]) < 0.01 * values[0]
    for (name, one), other in zip(plain.named_parameters(), quick.parameters(), strict=True):
        if one.grad.norm() > 1e-3:
            alike = torch.cosine_similarity(one.grad.flatten(), other.grad.flatten(), 0)
            assert alike > 0.97, name


def learn(run: Run, until: int) -> None:
    """A regression whose batches follow from the step."""
    model = run.modules["model"]
    for step in run.steps(Session(until)):
        x = torch.randn(8, 4, generator=torch.Generator().manual_seed(step))
        value = (model(x) - x.sum(1, keepdim=True)).square().mean()
        value.backward()
        run.update()
        run.losses.append(value.item())


def fresh(folder) -> Run:
    torch.manual_seed(0)
    return Run(folder, {"model": nn.Linear(4, 1)}, Optimization(0.05, Constant(3)))


def test_a_run_put_down_and_taken_up_is_the_run_that_never_stopped(tmp_path):
    whole = fresh(tmp_path / "whole")
    learn(whole, 20)
    first = fresh(tmp_path / "parts")
    learn(first, 9)
    second = fresh(tmp_path / "parts")
    assert second.resume()
    learn(second, 20)
    assert second.losses == whole.losses
    for run in (whole, second):
        run.use_ema()
    assert torch.equal(whole.modules["model"].weight, second.modules["model"].weight)
    assert whole.losses[-1] < whole.losses[0]


def test_cooling_begins_at_the_even_rate_and_ends_at_none():
    factor = Cooldown(100, 200)
    assert factor(100) == 1
    assert factor(150) == 0.5
    assert factor(200) == 0


def test_the_judge_learns_to_tell_two_pictures_apart(tmp_path):
    pixels = np.zeros((32, judge.SIZE, judge.SIZE, 3), np.uint8)
    pixels[::2, 16:48, 16:48] = 220
    labels = np.arange(32) % 2
    held = np.arange(32) >= 24
    torch.manual_seed(0)
    run = Run(tmp_path, {"judge": judge.Judge(2, 2)}, Optimization(1e-3, Constant(1)))
    judge.train(judge.JudgeDataset(pixels, labels, labels, held, coded=labels > 1), run, Session(24, batch_size=32))
    said = run.modules["judge"](as_tensor(pixels[held]))
    assert said[0].argmax(1).tolist() == labels[held].tolist()
    assert said[1].argmax(1).tolist() == labels[held].tolist()
