"""Looks told in every cell: directions that disturb nothing, and what the shipped text encoder says of each look."""

from __future__ import annotations

import pytest
import torch

from emoji_sd.recipe.data import captions, vocabulary
from emoji_sd.recipe.train import alignment, export, text


def test_directions_are_even_apart_and_where_cells_hardly_vary():
    chance = torch.Generator().manual_seed(1)
    wide = torch.cat([torch.ones(text.WIDTH - alignment.QUIET), torch.full((alignment.QUIET,), 1e-3)])
    cells = torch.randn(2000, text.WIDTH, generator=chance) * wide + 5
    found = alignment.directions(cells, 13)
    products = found @ found.T
    length = (alignment.AMOUNT * cells.std()) ** 2 * text.WIDTH
    assert torch.allclose(products, length * torch.eye(13), atol=1e-2 * length)
    assert found[:, : text.WIDTH - alignment.QUIET].abs().max() < 0.01 * found.abs().max()


def test_what_a_part_of_a_caption_means_is_the_look_that_it_names_and_its_manner():
    words = vocabulary.load()
    meant, looks = alignment.meanings(words), len(words.looks)
    assert meant["cartoon"] == [[look.words for look in words.looks].index("cartoon")]
    assert meant["small outlined cartoon"] == [looks + 1, looks, *meant["cartoon"]]
    assert meant["outlined"] == [looks]
    assert "a fox" not in meant


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning", "ignore::UserWarning")
@pytest.mark.filterwarnings("ignore:.*torchvision.*")
def test_what_ships_tells_every_look_from_every_other_in_its_cells():
    words, shipped = vocabulary.load(), export.load()
    grounds = list(words.grounds)
    said = [
        captions.caption(words.subjects[s].words, look.words, grounds[s % len(grounds)])
        for look in words.looks
        for s in (3, 300, 600)
    ]
    with torch.no_grad():
        cells = shipped.text_encoder(text.ids(shipped.tokenizer, said)).last_hidden_state[:, text.SAID :]
    cells = cells.reshape(len(words.looks), -1)
    apart = torch.cdist(cells, cells) / cells.shape[1] ** 0.5 + torch.eye(len(cells))
    assert apart.min() > 0.25
