"""What the trainer shows the model, and what an error costs: views, buckets, fair turns, penalties and weights."""

from __future__ import annotations

import io
from collections import Counter
from itertools import pairwise

import numpy as np
import pytest
import torch
from diffusers import DDPMScheduler
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from engine.models.machine import Machine
from engine.models.noise_schedule import row_means, signal_to_noise
from engine.pictures.latents import generator
from engine.training.augmentation import MOST_SHIFTED, augmented, bucket_sizes, views_a_picture, views_of
from engine.training.dataset import Dataset, orders_of, prepare
from engine.training.draws import Layout, bucket_of, draw, timestep_shares
from engine.training.losses import (
    DECIDED_SNR,
    debiased_weight,
    pointwise,
    timestep_weight,
    trained_timesteps,
)
from engine.training.optimizers import rate_share
from storage.opened import opened
from storage.recipe import Loss, Recipe, Schedule, Timesteps
from storage.records import ContentHash, Seed
from storage.requests import TrainingPicture
from tests.engine.tiny_models import tiny_machine


def striped(width: int, height: int, alpha: bool = False) -> bytes:
    """Red on the left half, blue on the right; with alpha the right half is transparent."""
    image = Image.new("RGBA", (width, height), (0, 0, 255, 0 if alpha else 255))
    image.paste((255, 0, 0, 255), (0, 0, width // 2, height))
    target = io.BytesIO()
    image.save(target, "PNG")
    return target.getvalue()


def dataset_of(machine: Machine, files: list[bytes], **changes: object) -> Dataset:
    names = [ContentHash(f"{number:064}") for number in range(len(files))]
    pictures = [TrainingPicture(file=name, caption="a fox, ohwx", subject="fox") for name in names]
    read = dict(zip(names, files, strict=True)).__getitem__
    return prepare(machine, pictures, read, Recipe(**changes), "ohwx")  # type: ignore[arg-type]


def test_one_bucket_is_the_models_own_square_and_more_follow_the_pictures() -> None:
    sizes = [(512, 512), (900, 300), (300, 900), (910, 300), (640, 480)]
    assert set(bucket_sizes(sizes, 512, 64, 1)) == {(512, 512)}
    found = bucket_sizes(sizes, 512, 64, 3)
    assert len(set(found)) == 3
    assert found[1] == found[3]
    assert found[1][0] > found[1][1]
    assert found[2][0] < found[2][1]
    assert all(width % 64 == height % 64 == 0 for width, height in found)


@given(st.lists(st.tuples(st.integers(20, 2000), st.integers(20, 2000)), min_size=1, max_size=20), st.integers(1, 3))
def test_there_are_never_more_buckets_than_asked_for(sizes: list[tuple[int, int]], most: int) -> None:
    found = bucket_sizes(sizes, 128, 16, most)
    assert len(found) == len(sizes)
    assert len(set(found)) <= most


def test_crops_spread_along_the_longer_side_and_each_is_mirrored() -> None:
    views = list(views_of(opened(striped(128, 64)), (64, 64), crops=3, flip=True))
    colours = [tuple(view.image.getpixel((at, 32)) for at in (4, 59)) for view in views]  # type: ignore[union-attr]
    red, blue = (255, 0, 0), (0, 0, 255)
    assert colours == [(red, blue), (blue, red), (red, red), (red, red), (blue, blue), (blue, blue)]
    assert [view.time_ids[3] for view in views] == [32, 32, 0, 0, 64, 64]
    assert {view.time_ids[:3] + view.time_ids[4:] for view in views} == {(64, 128, 0, 64, 64)}


def dotted(width: int, height: int) -> Image.Image:
    """A red square, opaque, on a transparent green ground."""
    picture = Image.new("RGBA", (width, height), (0, 255, 0, 0))
    picture.paste((255, 0, 0, 255), (width // 2 - 8, height // 2 - 8, width // 2 + 8, height // 2 + 8))
    return picture


@pytest.mark.parametrize("size", [(64, 64), (96, 64), (64, 200)])
@pytest.mark.parametrize("seed", range(8))
def test_a_moved_picture_has_the_same_figure_elsewhere_with_its_alpha_on_the_same_ground(
    size: tuple[int, int], seed: int
) -> None:
    before, after = dotted(*size), augmented(dotted(*size), generator(seed, 0))
    red, green, blue, alpha = (np.asarray(channel, float) for channel in after.split())
    assert after.size == size
    assert np.abs(red - alpha).max() <= 1
    assert np.abs(green - (255 - red)).max() <= 1
    assert blue.max() == 0
    assert alpha.mean() == pytest.approx(np.asarray(before)[..., 3].mean(), rel=0.05)
    rows, columns = np.nonzero(alpha > 127)
    there = columns.mean() - (size[0] - 1) / 2, rows.mean() - (size[1] - 1) / 2
    assert all(abs(way) <= MOST_SHIFTED * side + 1 for way, side in zip(there, size, strict=True))


def test_moved_pictures_come_after_the_picture_itself_the_same_for_the_same_seed() -> None:
    machine, picture = tiny_machine("sd1"), striped(64, 64)
    plain = dataset_of(machine, [picture, picture], flip=True).buckets[0].mean
    one, again, other = (
        dataset_of(machine, [picture, picture], flip=True, moved=2, seed=Seed(seed)).buckets[0].mean
        for seed in (1, 1, 2)
    )
    assert len(one) == 3 * len(plain)
    assert torch.equal(one[[0, 1, 6, 7]], plain)
    assert torch.equal(one, again)
    assert all(not torch.equal(one[row], other[row]) for row in (2, 3, 4, 5, 8, 9, 10, 11))
    assert not torch.equal(one[2], one[8]), "the second picture goes elsewhere"


@pytest.mark.parametrize(("crops", "flip"), [(1, False), (1, True), (3, False), (2, True)])
def test_so_many_views_are_said_as_there_are(crops: int, flip: bool) -> None:
    views = list(views_of(opened(striped(96, 64)), (64, 64), crops, flip))
    assert len(views) == views_a_picture(crops, flip)
    assert {view.image.size for view in views} == {view.mask.size for view in views} == {(64, 64)}


def test_a_mask_is_the_alpha_channel_at_the_latents_size_mirrored_with_its_picture() -> None:
    plain, mirrored = (
        dataset_of(tiny_machine("sd1"), [striped(64, 64, alpha=True)], masked=True, flip=True).buckets[0].mask
    )
    assert plain.shape == (1, 8, 8)
    assert torch.equal(plain[0, 0], torch.tensor([1.0] * 4 + [0.0] * 4))
    assert torch.equal(plain.flip(-1), mirrored)


def test_what_a_mask_hides_costs_nothing() -> None:
    error, mask = torch.ones(2, 4, 8, 8), torch.zeros(2, 1, 8, 8)
    mask[..., :4] = 1.0
    error[..., 4:] = 1e6
    assert row_means(error, mask).tolist() == [1.0, 1.0]
    assert row_means(error, torch.zeros_like(mask)).tolist() == [0.0, 0.0]


def test_views_of_a_picture_take_turns_and_pictures_keep_their_buckets() -> None:
    dataset = dataset_of(
        tiny_machine("sd1"), [striped(64, 64), striped(128, 64), striped(64, 128)], flip=True, buckets=3
    )
    layout, recipe = dataset.layout(1000), Recipe(batch_size=1, flip=True, buckets=3, seed=Seed(3))
    shown: dict[int, list[int]] = {0: [], 1: [], 2: []}
    for step in range(12):
        chance = draw(recipe, step, layout)
        assert chance.noise.shape[1:] == dataset.buckets[chance.bucket].mean.shape[1:]
        picture = int(chance.pictures[0])
        assert picture in dataset.buckets[chance.bucket].pictures
        shown[picture].append(int(chance.rows[0]) % 2)
    for views in shown.values():
        assert sorted(views) == [0, 0, 1, 1]
        assert views[0] != views[1]


@given(st.integers(0, 2**32 - 1), st.lists(st.integers(1, 6), min_size=1, max_size=3), st.integers(1, 4))
def test_every_picture_is_shown_equally_often_whatever_its_bucket(seed: int, sizes: list[int], batch: int) -> None:
    members = [tuple(range(sum(sizes[:n]), sum(sizes[: n + 1]))) for n in range(len(sizes))]
    layout = Layout(tuple(members), (torch.Size((1, 1, 1)),) * len(sizes), timesteps=10)
    recipe = Recipe(batch_size=batch, seed=Seed(seed))
    met = Counter(int(p) for step in range(sum(sizes)) for p in draw(recipe, step, layout).pictures)
    assert met == dict.fromkeys(range(sum(sizes)), batch)
    assert Counter(bucket_of(seed, step, tuple(sizes))[0] for step in range(sum(sizes))) == dict(enumerate(sizes))


def test_a_caption_is_kept_as_written_and_in_other_orders() -> None:
    caption = "a fox, in snow, ohwx"
    orders = orders_of(caption, Recipe(shuffle_caption=True), 0)
    assert orders[0] == caption
    assert len(set(orders)) > 1
    assert {tuple(sorted(order.split(", "))) for order in orders} == {("a fox", "in snow", "ohwx")}
    assert orders_of(caption, Recipe(), 0) == [caption]


def test_style_leaning_timesteps_have_the_density_that_is_said() -> None:
    u = torch.rand(4000, generator=torch.Generator().manual_seed(1))
    share = timestep_shares(Timesteps.STYLE, u)
    for edge in (0.1, 0.125, 0.5, 0.9):  # P(t < edge · T) = edge^(1/3)
        assert float((share < edge).float().mean()) == pytest.approx(edge ** (1 / 3), abs=2e-3)
    assert torch.equal(timestep_shares(Timesteps.UNIFORM, u), u)


def test_the_bent_penalties_are_squares_near_zero_and_straight_far_out() -> None:
    zero, c = torch.zeros(1), 0.1
    small, large = torch.tensor([1e-3]), torch.tensor([50.0])
    assert float(pointwise(small, zero, Loss.HUBER, c)) == pytest.approx(1e-6, rel=1e-2)
    assert float(pointwise(large, zero, Loss.HUBER, c)) == pytest.approx(2 * c * (50 - c), rel=1e-3)
    assert float(pointwise(large, zero, Loss.SMOOTH_L1, c)) == pytest.approx(2 * (50 - c), rel=1e-3)
    assert float(pointwise(large, zero, Loss.MSE, c)) == 2500.0


@given(st.floats(DECIDED_SNR, 1e4))
def test_the_debiased_weight_means_the_same_for_both_predictions(snr: float) -> None:
    x = torch.tensor([snr], dtype=torch.float64)
    epsilon_error_of_a_v_error = x / (x + 1)
    expected = debiased_weight(x, "epsilon") * epsilon_error_of_a_v_error
    assert float(debiased_weight(x, "v_prediction")) == pytest.approx(float(expected), rel=1e-9)


@pytest.mark.parametrize("snr", [0.0, 1e-3, DECIDED_SNR * 0.99])
def test_where_it_is_decided_what_a_picture_is_of_the_debiased_weight_of_v_is_nothing(snr: float) -> None:
    assert float(debiased_weight(torch.tensor(snr), "v_prediction")) == 0.0


@pytest.mark.parametrize("recipe", [Recipe(debiased=True), Recipe(min_snr_gamma=None), Recipe(min_snr_gamma=5.0)])
@pytest.mark.parametrize("prediction", ["epsilon", "v_prediction"])
def test_only_timesteps_that_weigh_something_are_drawn(recipe: Recipe, prediction: str) -> None:
    schedule = DDPMScheduler(beta_schedule="squaredcos_cap_v2", rescale_betas_zero_snr=True).alphas_cumprod
    weights = timestep_weight(recipe, signal_to_noise(schedule, torch.arange(1000)), prediction)
    amount = trained_timesteps(recipe, schedule, prediction)
    assert (weights[:amount] > 0).all()
    assert (weights[amount:] == 0).all()
    assert float(debiased_weight(torch.tensor(DECIDED_SNR), "v_prediction")) > 0.0


def test_an_offset_moves_whole_channels_of_the_noise() -> None:
    layout = Layout(((0, 1),), (torch.Size((4, 64, 64)),), timesteps=1000)
    plain, moved = (draw(Recipe(noise_offset=offset), 3, layout) for offset in (0.0, 0.5))
    shift = moved.noise - plain.noise
    assert torch.allclose(shift, shift[..., :1, :1].expand_as(shift), atol=1e-6)
    assert float(shift[..., 0, 0].std()) > 0.1
    assert torch.equal(plain.t, moved.t)


@pytest.mark.parametrize("schedule", Schedule)
def test_every_schedule_warms_up_and_stays_within_its_bounds(schedule: Schedule) -> None:
    recipe = Recipe(schedule=schedule, warmup_steps=10, steps=100)
    shares = [rate_share(recipe, step) for step in range(1, 101)]
    assert shares[:10] == pytest.approx([n / 10 for n in range(1, 11)])
    assert all(0.1 - 1e-9 <= share <= 1 for share in shares[9:])
    assert shares[-1] == pytest.approx(1.0 if schedule is Schedule.CONSTANT else 0.1)
    rises = sum(b > a + 0.1 for a, b in pairwise(shares[10:]))
    assert rises == (2 if schedule is Schedule.COSINE_RESTARTS else 0)
