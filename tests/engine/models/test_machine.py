"""The resident model: what it is, where it lies in memory, what it says of itself."""

from __future__ import annotations

import pytest
import torch
from tokenizers import Tokenizer

from engine.models.hardware import MemoryMode, pick_device, pick_dtype, pick_memory
from engine.models.loading import family_of
from storage.errors import RequestError
from storage.records import ContentHash
from tests.engine.tiny_models import FAMILIES, emoji_machine, tiny_machine

GIB = 1 << 30
CUDA = torch.device("cuda")


@pytest.mark.parametrize("family", FAMILIES)
def test_each_family_is_recognised_by_its_shape(family: str) -> None:
    machine = tiny_machine(family)
    assert machine.family == family
    assert machine.size_px == 64
    assert machine.prediction == ("v_prediction" if family == "sd2" else "epsilon")
    assert len(machine.text_encoders) == len(machine.tokenizers) == (2 if family == "sdxl" else 1)


def test_the_embedded_model_says_what_its_readme_says() -> None:
    machine = emoji_machine()
    assert (machine.family, machine.size_px, machine.prediction, machine.max_tokens) == (
        "emoji",
        128,
        "v_prediction",
        24,
    )


def test_every_part_is_frozen() -> None:
    machine = tiny_machine("sdxl")
    parts = (machine.unet, machine.vae, *machine.text_encoders)
    assert not any(weight.requires_grad for part in parts for weight in part.parameters())
    assert not any(part.training for part in parts)


def test_the_published_tokenizer_reads_as_the_models_own() -> None:
    machine = emoji_machine()
    published = Tokenizer.from_str(machine.tokenizer_json().decode())
    text = "a fox, neon sign, ohwx"
    assert published.encode(text).ids == machine.tokenizers[0](text).input_ids


def test_facts_carry_what_the_bot_needs() -> None:
    facts = emoji_machine().facts("engine-1", ContentHash("0" * 64), picture=0.5, step=None)
    assert (facts.dtype, facts.memory_mode, facts.seconds_per_picture) == ("float32", "cpu", 0.5)
    assert facts.device.startswith("cpu")
    assert len(facts.model.sha256) == 64


@pytest.mark.parametrize(
    ("free", "mode"),
    [(24 * GIB, MemoryMode.ALL), (6 * GIB, MemoryMode.MODEL), (3 * GIB, MemoryMode.SEQUENTIAL)],
)
def test_the_memory_mode_follows_free_memory(free: int, mode: MemoryMode) -> None:
    assert pick_memory("auto", CUDA, weights_bytes=5 * GIB, free_bytes=free) is mode


def test_the_memory_mode_can_be_set_and_a_cpu_needs_none() -> None:
    assert pick_memory("sequential-offload", CUDA, weights_bytes=1, free_bytes=24 * GIB) is MemoryMode.SEQUENTIAL
    assert pick_memory("auto", torch.device("cpu"), weights_bytes=5 * GIB) is MemoryMode.MAIN
    assert pick_memory("auto", torch.device("mps"), weights_bytes=5 * GIB) is MemoryMode.ALL


def test_the_cpu_computes_in_full_precision() -> None:
    assert pick_device("cpu").type == "cpu"
    assert pick_dtype(torch.device("cpu")) is torch.float32


@pytest.mark.skipif(torch.cuda.is_available(), reason="the GPU asked for is there")
def test_a_gpu_that_is_not_there_is_refused_in_words() -> None:
    with pytest.raises(RequestError, match="no such GPU"):
        pick_device("cuda:0")


def test_stable_diffusion_two_is_told_by_its_linear_projections() -> None:
    assert family_of("some/model", {"use_linear_projection": True}) == "sd2"
    assert family_of("some/model", {}) == "sd1"
