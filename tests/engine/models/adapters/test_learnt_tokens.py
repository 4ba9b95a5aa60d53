"""Learnt tokens: what they mean, when they are read, and that no model's are another's."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from engine.models.text.encoder import encode
from tests.engine.tiny_models import FAMILIES, tiny_machine

PROMPT = "a guitar, ohwx"


def test_new_tokens_mean_what_its_trigger_meant_until_they_learn() -> None:
    machine = tiny_machine("sd1")
    bare = encode(machine, [PROMPT]).hidden
    count = len(machine.tokenizers[0]("ohwx", add_special_tokens=False).input_ids)
    machine.bank.tokens.begin("tokens", "ohwx", count, seed=1)
    with machine.bank.activate({"tokens": 1.0}):
        begun = encode(machine, [PROMPT]).hidden
    machine.bank.tokens.drop("tokens")
    assert torch.nn.functional.cosine_similarity(begun.flatten(), bare.flatten(), dim=0) > 0.95
    assert not torch.equal(begun, bare)


def test_learnt_tokens_are_read_only_for_a_whole_word_and_only_at_some_strength() -> None:
    machine = tiny_machine("sd1")
    bare = encode(machine, [PROMPT, "an ohwxy bird"], chunks=1).hidden
    machine.bank.tokens.begin("tokens", "ohwx", 4, seed=1)
    with machine.bank.activate({"tokens": 0.0}):
        off = encode(machine, [PROMPT], chunks=1).hidden
    with machine.bank.activate({"tokens": 0.5}):
        on = encode(machine, [PROMPT, "an ohwxy bird"], chunks=1).hidden
    machine.bank.tokens.drop("tokens")
    assert torch.equal(off[0], bare[0])
    assert torch.equal(on[1], bare[1])
    assert not torch.equal(on[0], bare[0])


def test_two_active_triggers_do_not_take_each_others_rows() -> None:
    machine = tiny_machine("sdxl")
    machine.bank.tokens.begin("one", "ohwx", 2, seed=1)
    machine.bank.tokens.begin("two", "zxqv", 3, seed=2)
    alone = {}
    for name, prompt in (("one", "a fox, ohwx"), ("two", "a fox, zxqv")):
        with machine.bank.activate({name: 1.0}):
            alone[prompt] = encode(machine, [prompt]).hidden
    with machine.bank.activate({"one": 1.0, "two": 1.0}):
        both = {prompt: encode(machine, [prompt]).hidden for prompt in alone}
    for name in ("one", "two"):
        machine.bank.tokens.drop(name)
    assert all(torch.equal(both[prompt], alone[prompt]) for prompt in alone)


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("typed", ["Ohwx castle", "castle, OHWX", "a (oHwx:1.0) castle"])
def test_a_trigger_with_learnt_tokens_is_read_in_whatever_case_a_phone_writes_it(family: str, typed: str) -> None:
    machine = tiny_machine(family)
    machine.bank.tokens.begin_as("tokens", "ohwx", "neon sign", 1)
    bare = encode(machine, [typed]).hidden
    with machine.bank.activate({"tokens": 1.0}):
        typed_hidden, meant = (encode(machine, [text]).hidden for text in (typed, typed.lower()))
    machine.bank.tokens.drop("tokens")
    assert torch.equal(typed_hidden, meant)
    assert not torch.equal(typed_hidden, bare)


def test_one_models_tokens_are_not_anothers() -> None:
    machine = tiny_machine("sd1")
    twin = replace(machine)
    machine.bank.tokens.begin("tokens", "ohwx", 4, seed=1)
    with machine.bank.activate({"tokens": 1.0}):
        assert machine.bank.tokens.spelling().keys() == {"ohwx"}
        assert not twin.bank.tokens.spelling()
    machine.bank.tokens.drop("tokens")
