"""A fresh U-Net can be told which token is which place's, and patchwork leaves it no other way to know."""

import pytest
import torch

from emoji_sd.recipe.data.captions import words
from emoji_sd.recipe.data.vocabulary import load
from emoji_sd.recipe.train import attention_places, cross_attention, text, unet

CHANCE_SHARE = 1 / text.TOKENS


@pytest.fixture(scope="module")
def embeddings(tmp_path_factory):
    """What an encoder that has not read says of forty captions: positions are all it knows."""
    torch.manual_seed(0)
    tokenizer = text.make_tokenizer(words(load()), tmp_path_factory.mktemp("tokenizer"))
    said = text.ids(tokenizer, [f"a {subject.words}, cartoon" for subject in load().subjects[:40]])
    with torch.no_grad():
        return text.make_encoder(tokenizer).eval()(said).last_hidden_state


def attention_on_own_cell(network, latents, embeddings) -> float:
    """What the U-Net's own attention does when it draws, whatever `places` says of it."""
    attention, found = network.get_submodule(attention_places.WHERE), {}
    for name in ("to_q", "to_k"):
        attention.get_submodule(name).register_forward_hook(
            lambda _, __, made, name=name: found.update(
                {name: made.unflatten(2, (attention.heads, -1)).transpose(1, 2)}
            )
        )
    with torch.no_grad():
        network(latents, torch.full((len(latents),), 930), embeddings, return_dict=False)
    shares = (found["to_q"] @ found["to_k"].mT / found["to_q"].shape[-1] ** 0.5).softmax(-1)
    return float(shares.diagonal(text.SAID, 2, 3).mean())


def test_places_look_their_own_cells_up_and_hand_them_on(embeddings):
    torch.manual_seed(0)
    network, latents = unet.make(), torch.randn(40, 12, 16, 16)
    assert attention_on_own_cell(network, latents[:8], embeddings[:8]) < 2 * CHANCE_SHARE
    said = attention_places.initialize(network, latents, embeddings, torch.Generator().manual_seed(0), held_out=8)
    seen = attention_on_own_cell(network, latents[:8], embeddings[:8])
    assert min(said, seen) > 8 * CHANCE_SHARE
    attention = network.get_submodule(attention_places.WHERE)
    handed_on = attention.to_out[0](attention.to_v(embeddings[:1])) - attention.to_out[0].bias
    assert torch.allclose(handed_on, embeddings[:1], atol=1e-6)


def test_half_of_patchwork_is_whole_and_every_cell_of_the_rest_stays_in_its_place(embeddings):
    mixed = cross_attention.patchwork(embeddings, torch.Generator().manual_seed(0))
    assert torch.equal(mixed[:20], embeddings[:20])
    assert torch.equal(mixed[:, : text.SAID], embeddings[:, : text.SAID])
    assert not torch.equal(mixed[20:], embeddings[20:])
    for place in range(text.SAID, text.TOKENS):
        from_somebody = (mixed[20:, place, None] == embeddings[None, :, place]).all(-1).any(1)
        assert from_somebody.all()
