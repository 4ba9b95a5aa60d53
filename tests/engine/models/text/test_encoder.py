"""The weights in a prompt mean what they mean in AUTOMATIC1111."""

from __future__ import annotations

import pytest
import torch
from diffusers import DiffusionPipeline

from emoji_sd import WEIGHTS
from engine.models.text.encoder import encode, encode_negative
from engine.models.text.prompts import chunk_count, chunks_of, tokens_of
from storage.chunks import MOST_CHUNKS
from storage.errors import PromptRefused
from tests.engine.tiny_models import FAMILIES, MAX_TOKENS, emoji_machine, tiny_folder, tiny_machine


def test_break_begins_a_new_chunk() -> None:
    machine = emoji_machine()
    assert chunk_count(machine, "a fox BREAK neon sign") == 2
    assert chunk_count(machine, "a fox, neon sign") == 1
    assert chunk_count(machine, "a breakfast") == 1


def test_more_chunks_than_anybody_may_ask_for_are_refused_before_they_are_encoded() -> None:
    machine = emoji_machine()
    assert chunk_count(machine, " BREAK ".join(["a fox"] * MOST_CHUNKS)) == MOST_CHUNKS
    with pytest.raises(PromptRefused):
        encode(machine, [" BREAK ".join(["a fox"] * 66)])


def test_a_long_prompt_is_cut_behind_a_comma_when_one_is_near() -> None:
    machine = emoji_machine()
    tokenizer = machine.tokenizers[0]
    words = ["fox"] * 19
    text = " ".join(words) + ", a red fox with a hat"
    first, second = chunks_of(tokenizer, text, machine.max_tokens)
    assert tokenizer.decode(first.tokens).endswith(",")
    assert tokenizer.decode(second.tokens).startswith("a red")


@pytest.mark.parametrize("family", [*FAMILIES, "emoji"])
def test_without_weights_a_short_prompt_is_embedded_as_diffusers_does(family: str) -> None:
    machine = emoji_machine() if family == "emoji" else tiny_machine(family)
    folder = WEIGHTS if family == "emoji" else tiny_folder(family)
    plain = DiffusionPipeline.from_pretrained(folder, use_safetensors=True, dtype=torch.float32)
    said = {"prompt": "a fox, watercolor", "num_images_per_prompt": 1, "do_classifier_free_guidance": False}
    expected = plain.encode_prompt(**said, device="cpu")
    ours = encode(machine, ["a fox, watercolor"])
    assert torch.equal(ours.hidden, expected[0])
    if family == "sdxl":
        assert ours.pooled is not None
        assert torch.equal(ours.pooled, expected[2])


def test_a_weight_moves_only_its_words_and_keeps_the_mean() -> None:
    machine = emoji_machine()
    plain = encode(machine, ["a fox, neon sign"]).hidden
    weighted = encode(machine, ["a (fox:1.5), neon sign"]).hidden
    assert not torch.equal(plain, weighted)
    assert weighted.mean().item() == pytest.approx(plain.mean().item(), rel=1e-4)
    ratio = weighted / plain
    by_token = ratio.median(dim=-1).values[0]
    assert (by_token[2] / by_token[1]).item() == pytest.approx(1.5, rel=1e-3)  # "fox" against "a"


def test_company_changes_no_embedding() -> None:
    machine = emoji_machine()
    alone = encode(machine, ["a (fox:1.5)"], chunks=1).hidden[0]
    together = encode(machine, ["a castle, [neon sign]", "a (fox:1.5)"], chunks=1).hidden[1]
    assert torch.equal(alone, together)


def test_prompt_and_negative_are_padded_to_the_same_number_of_chunks() -> None:
    machine = tiny_machine("sdxl")
    count = chunk_count(machine, "a fox BREAK a hat", "blurry")
    positive, negative = encode(machine, ["a fox BREAK a hat"], chunks=count), encode(machine, ["blurry"], chunks=count)
    assert positive.hidden.shape == negative.hidden.shape == (1, 2 * machine.max_tokens, 64)


def test_an_empty_negative_is_zeros_for_sdxl_only() -> None:
    assert encode_negative(tiny_machine("sdxl"), [""], chunks=1).hidden.abs().sum() == 0
    assert encode_negative(tiny_machine("sdxl"), ["blurry"], chunks=1).hidden.abs().sum() > 0
    assert encode_negative(tiny_machine("sd1"), [""], chunks=1).hidden.abs().sum() > 0


def test_a_prompt_is_cut_where_words_end_and_padded_as_far_as_the_encoder_reads(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    machine = tiny_machine("sd1")
    long = " ".join(["fox"] * 12)
    assert chunk_count(machine, long) == 1
    monkeypatch.setattr(machine.text_encoders[0].config, "prompt_tokens", 10, raising=False)
    assert (machine.max_tokens, machine.chunk_length) == (10, MAX_TOKENS)
    assert [len(chunk.tokens) for chunk in chunks_of(machine.tokenizers[0], long, machine.max_tokens)] == [8, 4]
    assert encode(machine, [long]).hidden.shape == (1, 2 * MAX_TOKENS, 32)
    (tokens,) = tokens_of(machine, [long], chunks=2)
    assert set(tokens.ids[0, :, 9:].flatten().tolist()) == {machine.tokenizers[0].pad_token_id}
