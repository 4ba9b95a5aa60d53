"""A fresh U-Net can be told which token is which place's, and patchwork leaves it no other way to know."""

import pytest
import torch

from engine.emoji_sd import looking_up, places, text, unet
from engine.emoji_sd.captions import words
from engine.emoji_sd.vocabulary import load

CHANCE_SHARE = 1 / text.TOKENS


@pytest.fixture(scope="module")
def embeddings(tmp_path_factory):
    """What an encoder that has not read says of forty captions: positions are all it knows."""
    torch.manual_seed(0)
    tokenizer = text.make_tokenizer(words(load()), tmp_path_factory.mktemp("tokenizer"))
    said = text.ids(tokenizer, [f"a {subject.words}, cartoon" for subject in load().subjects[:40]])
    with torch.no_grad():
        return text.make_encoder(tokenizer).eval()(said).last_hidden_state


def test_places_find_their_own_cells(embeddings, monkeypatch):
    monkeypatch.setattr(places, "HELD", 8)
    torch.manual_seed(0)
    network = unet.make()
    share = places.begin_with(network, torch.randn(40, 12, 16, 16), embeddings, torch.Generator().manual_seed(0))
    assert share > 8 * CHANCE_SHARE


def test_half_of_patchwork_is_whole_and_every_cell_of_the_rest_stays_in_its_place(embeddings):
    mixed = looking_up.patchwork(embeddings, torch.Generator().manual_seed(0))
    assert torch.equal(mixed[:20], embeddings[:20])
    assert torch.equal(mixed[:, : text.SAID], embeddings[:, : text.SAID])
    assert not torch.equal(mixed[20:], embeddings[20:])
    for place in range(text.SAID, text.TOKENS):
        from_somebody = (mixed[20:, place, None] == embeddings[None, :, place]).all(-1).any(1)
        assert from_somebody.all()
