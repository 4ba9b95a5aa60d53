"""Beginning where the shipped weights stand: the runs hold them, and nothing of somebody's own is written over."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from engine.emoji_sd import __main__ as recipe
from engine.emoji_sd import captions, export, pictures, sittings, text, vocabulary
from engine.emoji_sd.runs import Constant, Sitting

pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning", "ignore::UserWarning"),
    pytest.mark.filterwarnings("ignore:.*torchvision.*"),
]


def same(one: torch.nn.Module, other: torch.nn.Module) -> bool:
    left, right = one.state_dict(), other.state_dict()
    return left.keys() == right.keys() and all(torch.equal(left[name], right[name]) for name in left)


def test_the_runs_hold_what_ships_and_can_be_taught_on(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    recipe.take_up()
    shipped = export.load()
    assert same(recipe.finished_vae(), shipped.vae)
    tokenizer = text.make_tokenizer(captions.words(vocabulary.load()), tmp_path / "tokenizer")
    assert tokenizer.get_vocab() == shipped.tokenizer.get_vocab()
    assert same(sittings.teller(tokenizer), shipped.text_encoder)
    taught = sittings.teaching_run("taught", Constant())
    assert taught.resume()
    taught.use_average()
    assert same(taught.modules["unet"], shipped.unet)
    for _ in taught.steps(Sitting(1)):
        for parameter in taught.parameters:
            parameter.grad = torch.ones_like(parameter)
        taught.update()
    assert sittings.teaching_run("taught", Constant()).resume()
    assert not same(taught.modules["unet"], shipped.unet)


def test_runs_of_ones_own_are_left_alone(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    mine = tmp_path / "build/emoji_sd/vae/state.json"
    mine.parent.mkdir(parents=True)
    mine.write_text("mine")
    with pytest.raises(SystemExit, match="vae"):
        recipe.take_up()
    assert mine.read_text() == "mine"
    assert list(mine.parent.parent.iterdir()) == [mine.parent]


def test_without_a_vae_nothing_is_judged_by_a_fresh_one(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit, match="take-up"):
        recipe.finished_vae()


def test_what_was_made_for_other_pictures_is_not_taken_for_todays(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    words = vocabulary.load()
    amount = len(pictures.index(words)[0])
    build = tmp_path / "build/emoji_sd"
    build.mkdir(parents=True)
    with pytest.raises(SystemExit, match="data"):
        sittings.lesson()
    np.save(build / "pictures.npy", np.zeros((amount - 1, 1, 1, 3), np.uint8))
    with pytest.raises(SystemExit, match="data"):
        sittings.lesson()
    np.save(build / "pictures.npy", np.zeros((amount, 1, 1, 3), np.uint8))
    cached = {"latents": torch.zeros(amount - 1, 1, 1, 1), "scaling_factor": torch.ones(1)}
    save_file(cached, build / "latents.safetensors")
    with pytest.raises(SystemExit, match="latents"):
        sittings.lesson()
    save_file({**cached, "latents": torch.zeros(amount, 1, 1, 1)}, build / "latents.safetensors")
    assert len(sittings.lesson()[0].latents) == amount
