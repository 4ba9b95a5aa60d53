"""Generation data as people paste it, from the programs they use."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.rules.pasted import read_pasted
from storage.states import Sampler

A1111 = """a castle, (ink:1.2), <lora:foo:0.8>
Negative prompt: blurry, bad
Steps: 20, Sampler: DPM++ 2M Karras, CFG scale: 7, Seed: 123, Size: 512x512, Model: dream"""
FOOOCUS = {"prompt": "a fox", "negative_prompt": "bad", "base_model": "x", "base_model_hash": "y", "sampler": "euler"}
FOOOCUS |= {"scheduler": "karras", "seed": "1", "steps": "30", "guidance_scale": "4"}
INVOKE = {"positive_prompt": "a fox", "negative_prompt": "bad", "scheduler": "euler", "seed": 1, "steps": 30}
INVOKE |= {"cfg_scale": 4, "model": {"model_name": "x"}}
SAMPLER = {"seed": 5, "steps": 30, "cfg": 4, "sampler_name": "euler", "scheduler": "normal", "positive": ["6", 0]}
COMFY = {
    "3": {"class_type": "KSampler", "inputs": SAMPLER | {"negative": ["7", 0]}},
    "6": {"class_type": "CLIPTextEncode", "inputs": {"text": "a fox", "clip": ["4", 1]}},
    "7": {"class_type": "CLIPTextEncode", "inputs": {"text": "bad", "clip": ["4", 1]}},
}


def test_what_a1111_writes_is_split_and_what_cannot_be_used_is_named() -> None:
    found = read_pasted(A1111)
    assert found is not None
    assert (found.prompt, found.negative) == ("a castle, (ink:1.2)", "blurry, bad")
    assert (found.sampler, found.steps, found.guidance_scale) == (Sampler.DPMPP_2M_KARRAS, 20, 7.0)
    assert {"seed", "model", "LoRA foo"} <= set(found.unused)


@pytest.mark.parametrize("said", [FOOOCUS, INVOKE, COMFY, {"prompt": COMFY}])
def test_other_programs_data_is_split_too(said: dict[str, object]) -> None:
    found = read_pasted(json.dumps(said))
    assert found is not None
    assert (found.prompt, found.negative) == ("a fox", "bad")
    assert (found.sampler, found.steps, found.guidance_scale) == (Sampler.EULER, 30, 4.0)


EDITOR = {
    "nodes": [
        {"id": 4, "type": "CheckpointLoaderSimple", "widgets_values": ["dream.safetensors"]},
        {"id": 6, "type": "CLIPTextEncode", "inputs": [{"name": "clip", "link": 1}], "widgets_values": ["a fox"]},
        {"id": 7, "type": "CLIPTextEncode", "inputs": [{"name": "clip", "link": 2}], "widgets_values": ["bad"]},
        {
            "id": 3,
            "type": "KSampler",
            "inputs": [
                {"name": "model", "link": 3},
                {"name": "positive", "link": 4},
                {"name": "negative", "link": 5},
                {"name": "latent_image", "link": None},
            ],
            "widgets_values": [5, "randomize", 30, 4, "euler", "normal", 1],
        },
        {"id": 9, "type": "Note", "widgets_values": ["by me"]},
        {"id": 10, "type": "VHS_VideoCombine", "widgets_values": {"frame_rate": 8}, "inputs": None},
    ],
    "links": [
        [1, 4, 1, 6, 0, "CLIP"],
        [2, 4, 1, 7, 0, "CLIP"],
        [3, 4, 0, 3, 0, "MODEL"],
        [4, 6, 0, 3, 1, "CONDITIONING"],
        [5, 7, 0, 3, 2, "CONDITIONING"],
    ],
    "version": 0.4,
}


def test_a_workflow_as_the_editor_saves_it_is_read_as_one_of_the_api() -> None:
    found = read_pasted(json.dumps(EDITOR))
    assert found is not None
    assert (found.prompt, found.negative) == ("a fox", "bad")
    assert (found.sampler, found.steps, found.guidance_scale) == (Sampler.EULER, 30, 4.0)


@pytest.mark.parametrize("broken", [{"nodes": []}, {"nodes": [1], "links": []}, {"nodes": [{}], "links": [3]}])
def test_a_workflow_that_says_nothing_is_words(broken: dict[str, object]) -> None:
    assert read_pasted(json.dumps(broken)) is None


def test_half_of_the_lines_are_enough() -> None:
    found = read_pasted("a castle\nNegative prompt: blurry")
    assert found is not None
    assert (found.prompt, found.negative) == ("a castle", "blurry")


def test_numbers_that_nobody_may_ask_for_are_named_and_not_kept() -> None:
    found = read_pasted(A1111.replace("Steps: 20", "Steps: 100000").replace("scale: 7", "scale: nan"))
    assert found is not None
    assert (found.steps, found.guidance_scale) == (None, None)
    assert {"steps", "cfg_scale"} <= set(found.unused)


@pytest.mark.parametrize(
    "text", ["watercolor, soft", "{red|blue} cat", "smile :)", "{" * 4000, '{"a": 1}', "3 steps: up"]
)
def test_words_are_words(text: str) -> None:
    assert read_pasted(text) is None


@given(st.text(max_size=200).map(lambda text: f"{text}\nNegative prompt: {text}\nSteps: 1, {text}"))
def test_no_text_is_too_odd_to_be_looked_at(text: str) -> None:
    read_pasted(text)
