"""The weights in a prompt mean what they mean in AUTOMATIC1111."""

from __future__ import annotations

import pytest
import torch
from diffusers import DiffusionPipeline
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.models.find import EMBEDDED_FOLDER
from engine.pictures.attention_syntax import read_weights
from engine.pictures.prompt_weights import chunk_count, chunks_of, encode, encode_negative, tokens_of
from tests.engine.tiny_models import FAMILIES, MAX_TOKENS, emoji_machine, tiny_folder, tiny_machine

# the examples in AUTOMATIC1111's own docstring (modules/prompt_parser.py, parse_prompt_attention)
PUBLISHED = {
    "normal text": [("normal text", 1.0)],
    "an (important) word": [("an ", 1.0), ("important", 1.1), (" word", 1.0)],
    "(unbalanced": [("unbalanced", 1.1)],
    r"\(literal\]": [("(literal]", 1.0)],
    "(unnecessary)(parens)": [("unnecessaryparens", 1.1)],
    "a (((house:1.3)) [on] a (hill:0.5), sun, (((sky))).": [
        ("a ", 1.0),
        ("house", 1.573),
        (" ", 1.1),
        ("on", 1.0),
        (" a ", 1.1),
        ("hill", 0.55),
        (", sun, ", 1.1),
        ("sky", 1.4641),
        (".", 1.1),
    ],
}


@pytest.mark.parametrize("prompt", PUBLISHED)
def test_the_published_examples_read_as_published(prompt: str) -> None:
    pieces = read_weights(prompt)
    assert [piece.text for piece in pieces] == [text for text, _ in PUBLISHED[prompt]]
    assert [piece.weight for piece in pieces] == pytest.approx([weight for _, weight in PUBLISHED[prompt]])


@pytest.mark.parametrize("prompt", ["", "   ", ")", "]", ":", "a:b", "(a:b)", "(a:1.2.3)", "\\", "((", "[[)", "(:1.5)"])
def test_odd_prompts_are_read_without_a_word(prompt: str) -> None:
    assert all(piece.weight > 0 for piece in read_weights(prompt))


@given(st.text(alphabet="ab ,()[]:\\.12", max_size=40))
@settings(max_examples=200, deadline=None)
def test_no_text_is_ever_refused(prompt: str) -> None:
    assert read_weights(prompt)


def test_break_begins_a_new_chunk() -> None:
    machine = emoji_machine()
    assert chunk_count(machine, "a fox BREAK neon sign") == 2
    assert chunk_count(machine, "a fox, neon sign") == 1
    assert chunk_count(machine, "a breakfast") == 1


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
    folder = EMBEDDED_FOLDER if family == "emoji" else tiny_folder(family)
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
