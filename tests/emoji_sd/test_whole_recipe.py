"""The whole recipe in miniature: pictures, VAE, latents, training, export, and the pipeline loaded as anybody would."""

from __future__ import annotations

import copy
from dataclasses import replace

import numpy as np
import pytest
import torch

from emoji_sd.recipe.data import captions, pictures, vocabulary
from emoji_sd.recipe.data.icons import SIZE
from emoji_sd.recipe.data.looks import LINED, MANNERS, in_manner
from emoji_sd.recipe.judge import evaluate, judge
from emoji_sd.recipe.train import (
    alignment,
    cross_attention,
    decoder,
    denoising,
    export,
    mean_latents,
    text,
    unet,
    vae,
)
from emoji_sd.recipe.train.distributed import ProcessGroup
from emoji_sd.recipe.train.runs import Constant, Optimization, Run, Session


@pytest.fixture
def words():
    """Three subjects of the vocabulary."""
    whole = vocabulary.load()
    return replace(whole, subjects=whole.subjects[:3])


@pytest.fixture
def real(words):
    """Their pictures as noise: what is learnt does not matter here."""
    rows, held = pictures.index(words)
    pixels = np.random.default_rng(0).integers(0, 256, (len(rows), SIZE, SIZE, 3), np.uint8)
    return pictures.Pictures(pixels, *rows[:, :4].T, held)


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning", "ignore::UserWarning")
@pytest.mark.filterwarnings("ignore:.*torchvision.*")
def test_from_pictures_to_a_pipeline_that_diffusers_loads(words, real, tmp_path):
    torch.manual_seed(0)
    autoencoder = vae.make()
    coder = Run(tmp_path / "vae", {"vae": autoencoder}, Optimization(1e-3, Constant(1)))
    vae.train(real, coder, Session(2))
    denoising.cache_latents(autoencoder, real, tmp_path / "latents.safetensors")
    tokenizer = text.make_tokenizer(captions.words(words), tmp_path / "tokenizer")
    dataset, factor = denoising.dataset(tmp_path / "latents.safetensors", real, words, tokenizer)
    assert dataset.latents.shape == (len(real.pixels), 12, 16, 16)
    assert abs(float(dataset.latents.float().std()) - 1) < 0.02
    encodes = [parameter.clone() for parameter in autoencoder.encoder.parameters()]
    sharp = Run(tmp_path / "decoder", {"decoder": autoencoder.decoder}, Optimization(1e-3, Constant(1)))
    decoder.train(autoencoder, factor, dataset, sharp, Session(12))
    assert sharp.losses[-1] < sharp.losses[0]
    assert all(map(torch.equal, encodes, autoencoder.encoder.parameters()))
    encoder, network = text.make_encoder(tokenizer), unet.make()
    head = mean_latents.MeanLatents()
    first = Run(
        tmp_path / "mean-latents",
        {"text_encoder": encoder, "mean_latents": head},
        Optimization(2e-3, Constant(1)),
    )
    mean_latents.train(dataset, first, Session(12, batch_size=16), torch.device("cpu"), ProcessGroup())
    assert first.losses[-1] < first.losses[0]
    run = Run(tmp_path / "unet", {"unet": network}, Optimization(5e-4, Constant(1)))
    cross_attention.initialize(dataset, encoder, run, amount=40, steps=100)
    cross_attention.train(dataset, encoder, head, run, Session(2, batch_size=8), ProcessGroup())
    pretrained = copy.deepcopy(encoder)
    second = Run(
        tmp_path / "aligned", {"text_encoder": encoder}, Optimization(2e-3, Constant(1), muon=mean_latents.MUON)
    )
    alignment.train(dataset, pretrained, second, Session(32, batch_size=12), torch.device("cpu"), ProcessGroup())
    assert np.mean(second.losses[-6:]) < np.mean(second.losses[:6])  # captions with more to tell cost more
    assert not any(parameter.grad is not None for parameter in pretrained.parameters())
    denoising.train(dataset, encoder, run, Session(4, batch_size=8), ProcessGroup())
    assert len(run.losses) == 4
    whole = export.pipeline(autoencoder, factor, tokenizer, encoder, network)
    drawn = evaluate.draw(whole, ["a fox, flat vector, pink background"])
    assert drawn.shape == (1, SIZE, SIZE, 3)
    size = export.export(whole, tmp_path / "weights")
    assert size < 60_000_000
    again = evaluate.draw(export.load(tmp_path / "weights"), ["a fox, flat vector, pink background"])
    assert np.abs(drawn.astype(int) - again).mean() < 3


def test_a_batch_never_holds_a_held_out_pair(words, real, tmp_path):
    tokenizer = text.make_tokenizer(captions.words(words), tmp_path)
    assert real.held.any()
    real = replace(real, held=real.held | (np.arange(len(real.held)) % 2 == 0))  # some of every look
    marks = torch.from_numpy(real.held).half().view(-1, 1, 1, 1)
    dataset = denoising.Dataset(marks, real, words, tokenizer)
    assert all(not denoising.batch(dataset, 16, np.random.default_rng(seed))[0].any() for seed in range(20))


def test_a_window_shows_what_its_latents_are_of_and_never_a_held_out_pair(words, real, tmp_path):
    cells = real.pixels.reshape(-1, 16, 8, 16, 8, 3).mean((2, 4))
    latents = torch.from_numpy(cells).permute(0, 3, 1, 2).half()
    latents[torch.from_numpy(real.held)] = -1
    dataset = denoising.Dataset(latents, real, words, text.make_tokenizer(captions.words(words), tmp_path))
    for step in range(6):
        coded, pictured = decoder.windows(dataset, step)
        assert coded.min() > 0
        assert pictured.shape == (decoder.BATCH, 3, decoder.CELL * decoder.WINDOW, decoder.CELL * decoder.WINDOW)
        means = torch.nn.functional.avg_pool2d((pictured + 1) * 127.5, decoder.CELL)
        assert (means - coded).abs().max() < 0.1


class Reader(torch.nn.Module):
    """Names the look whose number a picture is painted with."""

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        number = ((x[:, 0, 0, 0] + 1) * 127.5).round().long()
        return torch.nn.functional.one_hot(number, 14).float(), torch.zeros(len(x), 5)


def test_each_look_is_told_apart_with_what_it_was_taken_for(words):
    asked = evaluate.Asked(np.zeros(5, np.int64), np.array([0, 0, 0, 2, 2]), np.zeros(5, np.int64))
    painted = np.array([0, 1, 1, 2, 13], np.uint8)[:, None, None, None] * np.ones((1, SIZE, SIZE, 3), np.uint8)
    first, second, third = (words.looks[k].words for k in range(3))
    assert evaluate.by_look(Reader(), painted, asked, words) == [
        f"{first}: 1 of 3 ({second} 2)",
        f"{third}: 1 of 2 (openmoji 1)",
    ]


def test_a_training_picture_is_a_copy_and_noise_is_none(words, real):
    real = real.looks_alone
    copies = evaluate.Copies(real)
    trained = real.pixels[np.flatnonzero(~real.held)[:8]]
    assert copies.share(trained) == 1
    assert copies.share(np.full((8, SIZE, SIZE, 3), 250, np.uint8)) == 0


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning", "ignore::UserWarning")
def test_the_judge_is_measured_on_pictures_it_never_saw_before_and_after_the_vae(real, tmp_path):
    few = pictures.Pictures(**{name: rows[:24] for name, rows in vars(real).items()})
    made = []

    def make() -> judge.JudgeDataset:
        made.append(1)
        return judge.dataset_of(few, few, vae.make())

    dataset = judge.kept(tmp_path / "dataset.safetensors", make)
    again = judge.kept(tmp_path / "dataset.safetensors", make)
    assert len(made) == 1
    assert np.array_equal(dataset.pixels, again.pixels)
    assert dataset.coded.dtype == again.held.dtype == bool
    assert (dataset.held & dataset.coded).any()
    assert (dataset.held & ~dataset.coded).sum() == 2 * 24 / pictures.VARIANTS
    coded, plain = (dataset.pixels[dataset.coded == one].astype(float) for one in (True, False))
    assert np.array_equal(plain[0], judge.small(few.pixels[:1])[0])
    assert coded[0].shape == plain[0].shape
    assert np.abs(coded[0] - plain[0]).mean() > 1  # a VAE that has learnt nothing gives something else back


def test_a_caption_without_a_look_or_a_ground_shows_the_plain_one(words, real, tmp_path):
    plain = [look.words for look in words.looks].index(captions.PLAIN)
    white = list(words.grounds).index(captions.PLAIN_GROUND)
    marks = torch.from_numpy(np.stack([real.look == plain, real.ground == white], 1)).half()[:, :, None, None]
    dataset = denoising.Dataset(marks, real, words, text.make_tokenizer(captions.words(words), tmp_path))
    batches = [denoising.batch(dataset, 16, np.random.default_rng(seed)) for seed in range(90)]
    shown = [(mark.flatten().bool(), said) for marks, texts in batches for mark, said in zip(marks, texts, strict=True)]
    said = [pair for pair in shown if pair[1]]
    unnamed = [mark[0] for mark, one in said if not any(k.words in one for k in words.looks)]
    groundless = [mark[1] for mark, one in said if "background" not in one]
    assert all(unnamed)
    assert all(groundless)
    assert abs(len(unnamed) / len(shown) - captions.NO_LOOK) < 0.04
    assert abs(len(groundless) / len(shown) - captions.NO_GROUND) < 0.04
    empty = [mark for mark, one in shown if not one]
    assert abs(len(empty) / len(shown) - captions.EMPTY) < 0.04
    assert not all(mark[0] for mark in empty)
    assert not all(mark[1] for mark in empty)


def test_a_caption_says_the_manner_of_what_it_shows_and_no_other(words, real, tmp_path):
    marks = torch.from_numpy(real.manner).half()[:, None, None, None]
    dataset = denoising.Dataset(marks, real, words, text.make_tokenizer(captions.words(words), tmp_path))
    shown = []
    for seed in range(60):
        latents, said = denoising.batch(dataset, 16, np.random.default_rng(seed))
        shown += [(list(MANNERS)[int(mark)], one) for mark, one in zip(latents.flatten(), said, strict=True) if one]
    looks = [look.words for look in words.looks]
    for manner, caption in shown:
        said_of = {in_manner(manner, look) for look in ("", *looks)} - {""}
        parts = set(caption.split(", "))
        assert not manner or said_of & parts
        assert manner or not any(part.startswith(("outlined ", "small ")) for part in parts - set(looks))
    assert abs(sum(bool(manner) for manner, _ in shown) / len(shown) - captions.IN_A_MANNER) < 0.05


def test_what_looks_are_judged_by_is_in_no_manner_and_every_look_has_as_many_as_before_there_were_any(words, real):
    alone = real.looks_alone
    assert not alone.manner.any()
    assert len(alone.pixels) == pictures.VARIANTS * len(words.pairs())
    outlined = real.look[np.isin(real.manner, [m for m, words in enumerate(MANNERS) if "outlined" in words])]
    assert {words.looks[k].words for k in outlined} <= set(LINED)
