"""Beginning where the shipped weights stand: the runs hold them, and nothing of somebody's own is written over."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from emoji_sd.recipe.data import captions, pictures, vocabulary
from emoji_sd.recipe.train import export, sessions, text
from emoji_sd.recipe.train.commands import start_from_shipped
from emoji_sd.recipe.train.runs import Constant, Session
from emoji_sd.recipe.train.vae_runs import finished_vae

pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning", "ignore::UserWarning"),
    pytest.mark.filterwarnings("ignore:.*torchvision.*"),
]


def same(one: torch.nn.Module, other: torch.nn.Module) -> bool:
    left, right = one.state_dict(), other.state_dict()
    return left.keys() == right.keys() and all(torch.equal(left[name], right[name]) for name in left)


def test_the_runs_hold_what_ships_and_can_be_trained_on(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    start_from_shipped()
    shipped = export.load()
    assert same(finished_vae(), shipped.vae)
    tokenizer = text.make_tokenizer(captions.words(vocabulary.load()), tmp_path / "tokenizer")
    assert tokenizer.get_vocab() == shipped.tokenizer.get_vocab()
    assert same(sessions.aligned_encoder(tokenizer), shipped.text_encoder)
    trained = sessions.unet_run("unet", Constant())
    assert trained.resume()
    trained.use_ema()
    assert same(trained.modules["unet"], shipped.unet)
    for _ in trained.steps(Session(1)):
        for parameter in trained.parameters:
            parameter.grad = torch.ones_like(parameter)
        trained.update()
    assert sessions.unet_run("unet", Constant()).resume()
    assert not same(trained.modules["unet"], shipped.unet)


def test_runs_of_ones_own_are_left_alone(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    mine = tmp_path / "build/emoji_sd/vae/state.json"
    mine.parent.mkdir(parents=True)
    mine.write_text("mine")
    with pytest.raises(SystemExit, match="vae"):
        start_from_shipped()
    assert mine.read_text() == "mine"
    assert list(mine.parent.parent.iterdir()) == [mine.parent]


def test_without_a_vae_nothing_is_judged_by_a_fresh_one(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit, match="from-shipped"):
        finished_vae()


def test_what_was_made_for_other_pictures_is_not_taken_for_todays(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    words = vocabulary.load()
    amount = len(pictures.index(words)[0])
    build = tmp_path / "build/emoji_sd"
    build.mkdir(parents=True)
    with pytest.raises(SystemExit, match="data"):
        sessions.dataset()
    np.save(build / "pictures.npy", np.zeros((amount - 1, 1, 1, 3), np.uint8))
    with pytest.raises(SystemExit, match="data"):
        sessions.dataset()
    np.save(build / "pictures.npy", np.zeros((amount, 1, 1, 3), np.uint8))
    cached = {"latents": torch.zeros(amount - 1, 1, 1, 1), "scaling_factor": torch.ones(1)}
    save_file(cached, build / "latents.safetensors")
    with pytest.raises(SystemExit, match="latents"):
        sessions.dataset()
    save_file({**cached, "latents": torch.zeros(amount, 1, 1, 1)}, build / "latents.safetensors")
    assert len(sessions.dataset()[0].latents) == amount
