"""The judge that ships: it comes back as it was written, refuses another vocabulary, and knows what is on the sheet."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image, ImageEnhance, ImageFilter

from emoji_sd.recipe.data import vocabulary
from emoji_sd.recipe.judge import judge, sheet, shipped
from emoji_sd.recipe.judge.evaluate import Grades


@pytest.fixture(scope="module")
def words() -> vocabulary.Vocabulary:
    return vocabulary.load()


def test_a_judge_comes_back_as_it_was_written_but_for_half_precision(words, tmp_path):
    torch.manual_seed(0)
    few = replace(words, subjects=words.subjects[:5])
    one = judge.Judge(len(few.looks) + 1, 5)
    one(torch.randn(8, 3, judge.SIZE, judge.SIZE))  # its norms now know other statistics than a fresh one's
    told = {"judge": Grades(look=0.98, subject_first=0.9, subject_top5=0.99)}
    shipped.write(one, few, told, tmp_path / "judge.safetensors")
    again, accuracy = shipped.load(few, tmp_path / "judge.safetensors")
    assert accuracy == told
    assert not again.training
    seen = torch.randn(4, 3, judge.SIZE, judge.SIZE)
    for left, right in zip(one.eval()(seen), again(seen), strict=True):
        assert (left - right).abs().max() < 0.02


def test_a_judge_of_other_classes_is_refused(words, tmp_path):
    few = replace(words, subjects=words.subjects[:5])
    shipped.write(judge.Judge(len(few.looks) + 1, 5), few, {}, tmp_path / "judge.safetensors")
    turned = replace(few, subjects=few.subjects[::-1])
    with pytest.raises(SystemExit, match="another vocabulary"):
        shipped.load(turned, tmp_path / "judge.safetensors")


def test_the_judge_that_ships_knows_what_is_on_the_sheet(words):
    judge_model, accuracy = shipped.load(words)
    assert accuracy["judge"].look >= 0.97
    named = [subject.words for subject in words.subjects]
    asked = [(named.index(subject), k) for subject in sheet.SUBJECTS for k in range(len(words.looks))]
    pixels = np.stack([np.asarray(sheet.cut(named[s], words.looks[k].words)) for s, k in asked])
    said = judge.verdicts(judge_model, judge.small(pixels))
    assert np.mean([s in found for (s, _), found in zip(asked, said.subjects, strict=True)]) > 0.8
    assert np.mean([k == found for (_, k), found in zip(asked, said.look, strict=True)]) > 0.5


def test_a_look_is_no_matter_of_size(words):
    cartoon = [look.words for look in words.looks].index("cartoon")
    judge_model, _ = shipped.load(words)
    drawn = np.stack([np.asarray(sheet.cut(subject, "cartoon")) for subject in sheet.SUBJECTS])
    for side in (96, 104, 112):
        margin = (128 - side) // 2
        smaller = [np.asarray(Image.fromarray(one).resize((side, side), Image.Resampling.BOX)) for one in drawn]
        padded = np.pad(np.stack(smaller), ((0, 0), (margin, margin), (margin, margin), (0, 0)), mode="edge")
        said = judge.verdicts(judge_model, judge.small(padded)).look
        assert np.sum(said == cartoon) >= len(drawn) - 1, f"drawn at {side} of 128"


def test_a_look_is_no_matter_of_how_bold_its_lines_are(words):
    judge_model, _ = shipped.load(words)
    for look in ("cartoon", "flat sticker", "outlined comic"):
        bolder = [sheet.cut(subject, look).filter(ImageFilter.MinFilter(5)) for subject in sheet.SUBJECTS]
        said = judge.verdicts(judge_model, judge.small(np.stack([np.asarray(one) for one in bolder]))).look
        asked = [one.words for one in words.looks].index(look)
        assert np.sum(said == asked) >= len(bolder) - 1, look


def test_a_look_is_no_matter_of_how_bright_its_colours_are(words):
    judge_model, _ = shipped.load(words)
    for look in ("cartoon", "flat sticker", "outlined comic"):
        brighter = [ImageEnhance.Color(sheet.cut(subject, look)).enhance(1.5) for subject in sheet.SUBJECTS]
        said = judge.verdicts(judge_model, judge.small(np.stack([np.asarray(one) for one in brighter]))).look
        asked = [one.words for one in words.looks].index(look)
        assert np.sum(said == asked) >= len(brighter) - 1, look
