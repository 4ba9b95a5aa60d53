"""Every PNG says how it was made, in the words that AUTOMATIC1111 reads."""

from __future__ import annotations

import json
from io import BytesIO

import pytest
from PIL import Image
from sd_parsers.parsers import AUTOMATIC1111Parser

from engine.pictures.png_parameters import SealFile, parameters, png_bytes
from storage.records import ContentHash, Drawing, Seed
from storage.requests import Row, SealUse
from storage.states import Sampler

SEAL = SealUse(adapter=ContentHash("abcdef0123456789" * 4), weight=0.8)


def row(**changes: object) -> Row:
    drawing = Drawing(sampler=Sampler.DPMPP_2M_KARRAS, steps=25, guidance_scale=7.0, width_px=512, height_px=768)
    settings = {"prompt": "a (fox:1.3), ohwx", "negative": "blurry", "seed": Seed(42), "subject": "a fox", **changes}
    return Row(drawing=drawing, **settings)  # type: ignore[arg-type]


def test_the_text_has_the_lines_of_automatic1111() -> None:
    assert parameters(row(), model="emoji", model_sha256="ed4ab3052a2b08ca").splitlines() == [
        "a (fox:1.3), ohwx",
        "Negative prompt: blurry",
        "Steps: 25, Sampler: DPM++ 2M Karras, CFG scale: 7, Seed: 42, Size: 512x768, "
        "Model hash: ed4ab3052a, Model: emoji",
    ]


def test_without_a_negative_prompt_its_line_is_left_out() -> None:
    assert "Negative prompt" not in parameters(row(negative=""), model="emoji", model_sha256="0")


@pytest.mark.parametrize(
    "prompt",
    ["Negative prompt: none, a fox", "negative prompt: x", "a fox\nSteps: 20, Sampler: DDIM, CFG scale: 3\nsitting",
     "a fox\nNegative prompt: snow", "Steps: 9, Sampler: DDIM, CFG scale: 3, Size: 8x8"],
)  # fmt: skip
def test_words_that_look_like_the_lines_behind_them_stay_words(prompt: str) -> None:
    text = parameters(row(prompt=prompt, negative="blurry\nSteps: 3"), model="m", model_sha256="0")
    assert len(text.splitlines()) == 3
    assert not text.lower().startswith("negative prompt:")
    (read,) = AUTOMATIC1111Parser().parse({"parameters": text}).samplers
    letters = "".join(read.prompts[0].value.split()).replace(":", "")
    assert letters == "".join(prompt.split()).replace(":", "")
    assert read.negative_prompts[0].value == "blurry Steps: 3"
    assert read.parameters["steps"] == "25"


def test_several_seals_and_a_word_are_named_as_galleries_look_for_them() -> None:
    other = SealUse(adapter=ContentHash("12" * 32), weight=0.35)
    files = {
        SEAL.adapter: SealFile(
            name="neon-ohwx", autov2="2" * 10, autov3="3" * 12, embedding="ohwx", embedding_sha256="e" * 64
        ),
        other.adapter: SealFile(name="ink-zuvo", autov2="4" * 10, autov3="5" * 12),
    }
    text = parameters(row(seals=(SEAL, other)), model="emoji", model_sha256="0" * 64, files=files)
    assert text.startswith("a (fox:1.3), ohwx <lora:neon-ohwx:0.8> <lora:ink-zuvo:0.35>\n")
    assert 'Lora hashes: "neon-ohwx: 333333333333, ink-zuvo: 555555555555"' in text
    assert 'TI hashes: "ohwx: eeeeeeeeeeee"' in text
    assert json.loads("{" + text.rpartition("{")[2]) == {
        "model": "0000000000",
        "lora:neon-ohwx": "2222222222",
        "lora:ink-zuvo": "4444444444",
        "embed:ohwx": "eeeeeeeeee",
    }


def test_a_seal_that_nobody_can_find_is_not_named() -> None:
    assert parameters(row(seals=(SEAL,)), model="m", model_sha256="0") == parameters(row(), model="m", model_sha256="0")


def test_the_file_carries_the_text_in_any_language_and_nothing_else() -> None:
    picture = Image.new("RGB", (8, 8), "red")
    for text in ("a fox", "лиса, неон", "여우"):
        with Image.open(BytesIO(png_bytes(picture, text))) as read:
            read.load()
            assert read.info == {"parameters": text}


def test_the_same_picture_is_the_same_file() -> None:
    picture = Image.radial_gradient("L").convert("RGB")
    assert png_bytes(picture, "x") == png_bytes(picture.copy(), "x")
