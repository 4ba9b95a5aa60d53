"""Proves an exported LoRA: loads it fresh with plain diffusers and measures what it does (`python -m engine prove`).

Nothing of the resident engine draws here: what is proven is the file, as somebody else would use it.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from diffusers import StableDiffusionPipeline
from PIL import Image, ImageDraw

from engine.exports.dataset_reading import read_dataset
from engine.measures.style_features import style_features
from engine.measures.style_gained import mean_distance, spread, style_gained
from engine.measures.subject import SubjectMeasure
from engine.models.find import find
from engine.models.loading import load_model
from engine.models.tensor_header import check_tensors
from storage.errors import FileRefused
from storage.opened import opened

SUBJECTS = (
    *("castle", "guitar", "rocket", "owl", "pineapple", "sailboat", "trophy", "mushroom", "crown", "fish", "fox"),
    *("cactus", "turtle", "umbrella", "rose", "house", "bell", "anchor", "snail", "robot", "lemon", "whale", "ghost"),
)  # of those the embedded model has seen most
PICTURES = 8
CHOICES = 12  # subjects the measure must tell apart: guessing is right in one of twelve
STEPS, GUIDANCE = 20, 4.0
BATCH = 4  # two files are compared on the first batch


@dataclass(frozen=True)
class Proof:
    """What was measured on subjects outside the palette, trigger in the prompt, no style words."""

    subjects: tuple[str, ...]
    distance_without: float
    distance_with: float
    distance_within_palette: float
    style_gained: float
    subject_kept_without: float
    subject_kept_with: float
    same_picture_psnr: float | None = None


def open_dataset(path: Path) -> tuple[list[Image.Image], list[str]]:
    """Pictures and captions of an exported dataset. Raises FileRefused."""
    found = read_dataset(path)
    return [opened(data).convert("RGB") for _, data in found], [caption for caption, _ in found]


def trigger_of(path: Path) -> str:
    """The trigger that the file's header names. Raises FileRefused for a broken file, or one that names none."""
    trigger = check_tensors(path).get("modelspec.trigger_phrase", "")
    if not trigger:
        raise FileRefused(file=path.name, reason="it does not say its trigger; it is no seal of Styleseal's")
    return trigger


def fresh_pipeline(model: str, lora: Path | None, embedding: Path | None = None) -> StableDiffusionPipeline:
    """Plain diffusers, as its documentation says, with a LoRA and the embedding that was learnt with it."""
    pipeline = StableDiffusionPipeline.from_pretrained(find(model).path, dtype=torch.float32, use_safetensors=True)
    pipeline.set_progress_bar_config(disable=True)
    for file, put in ((lora, put_lora), (embedding, put_embedding)):
        if file is None:
            continue
        trigger = trigger_of(file)
        try:
            put(pipeline, file, trigger)
        except (ValueError, RuntimeError, KeyError, TypeError, AttributeError, IndexError) as error:
            raise FileRefused(file=file.name, reason=f"it does not fit the model {model}") from error
    return pipeline


def put_lora(pipeline: StableDiffusionPipeline, file: Path, _trigger: str) -> None:
    """As diffusers' documentation says."""
    pipeline.load_lora_weights(str(file.parent), weight_name=file.name)


def put_embedding(pipeline: StableDiffusionPipeline, file: Path, trigger: str) -> None:
    """As diffusers' documentation says."""
    pipeline.load_textual_inversion(str(file), token=trigger)


def pictures(pipeline: StableDiffusionPipeline, prompts: Sequence[str]) -> list[Image.Image]:
    """One picture a prompt; seed n for the n-th."""
    found: list[Image.Image] = []
    for start in range(0, len(prompts), BATCH):
        batch = list(prompts[start : start + BATCH])
        generators = [torch.Generator("cpu").manual_seed(start + number) for number in range(len(batch))]
        drawn = pipeline(batch, num_inference_steps=STEPS, guidance_scale=GUIDANCE, generator=generators)
        found += drawn.images
    return found


def prove(lora: Path, dataset: Path, out: Path, other: Path | None, model: str, embedding: Path | None = None) -> Proof:
    """Measures and writes sheet.png and proof.json into `out`."""
    palette, captions = open_dataset(dataset)
    subjects = tuple(s for s in SUBJECTS if not any(f" {s}," in f" {c}," for c in captions))[:PICTURES]
    prompts = [f"a {subject}, {trigger_of(lora)}" for subject in subjects]
    without = pictures(fresh_pipeline(model, None), prompts)
    with_seal = pictures(fresh_pipeline(model, lora, embedding), prompts)
    machine = load_model(model, device="cpu")
    own, base, drawn = ([style_features(machine, i) for i in group] for group in (palette, without, with_seal))
    measure = SubjectMeasure(machine, tuple(dict.fromkeys((*subjects, *SUBJECTS)))[:CHOICES])
    proof = Proof(
        subjects=subjects,
        distance_without=mean(mean_distance(one, own) for one in base),
        distance_with=mean(mean_distance(one, own) for one in drawn),
        distance_within_palette=round(spread(own), 4),
        style_gained=round(style_gained(base, drawn, own), 4),
        subject_kept_without=mean(kept(measure, *pair) for pair in zip(without, subjects, strict=True)),
        subject_kept_with=mean(kept(measure, *pair) for pair in zip(with_seal, subjects, strict=True)),
        same_picture_psnr=psnr(with_seal[:BATCH], pictures(fresh_pipeline(model, other, embedding), prompts[:BATCH]))
        if other
        else None,
    )
    out.mkdir(parents=True, exist_ok=True)
    sheet(palette, without, with_seal).save(out / "sheet.png")
    (out / "proof.json").write_text(json.dumps(vars(proof), indent=1))
    return proof


def kept(measure: SubjectMeasure, image: Image.Image, subject: str) -> float:
    """1 when the picture shows its subject rather than any other."""
    return measure.rank_score(list(measure.errors(image)), subject)


def mean(values: object) -> float:
    """Rounded mean."""
    return round(float(np.mean(list(values))), 4)  # type: ignore[call-overload]


def psnr(left: Sequence[Image.Image], right: Sequence[Image.Image]) -> float:
    """Peak signal-to-noise ratio in dB over all pictures; 99 for equal ones."""
    difference = np.stack([np.asarray(i, float) for i in left]) - np.stack([np.asarray(i, float) for i in right])
    error = float((difference**2).mean())
    return 99.0 if error == 0 else round(10 * float(np.log10(255**2 / error)), 1)


def sheet(
    palette: Sequence[Image.Image], without: Sequence[Image.Image], with_seal: Sequence[Image.Image]
) -> Image.Image:
    """Three rows: the palette, without, with."""
    cell, gap, head = 192, 8, 26
    columns = len(without)
    canvas = Image.new("RGB", (columns * (cell + gap) + gap, 3 * (cell + gap + head)), (245, 245, 247))
    pen = ImageDraw.Draw(canvas)
    for row, (title, images) in enumerate(
        (("palette", palette), ("without the seal", without), ("with the seal", with_seal))
    ):
        top = row * (cell + gap + head)
        pen.text((gap, top + 7), title, fill=(34, 36, 42))
        for column, image in enumerate(images[:columns]):
            scaled = image.resize((cell, cell), Image.Resampling.LANCZOS)
            canvas.paste(scaled, (gap + column * (cell + gap), top + head))
    return canvas


def say(proof: Proof) -> str:
    """The proof in a few lines."""
    lines = [
        f"style distance to the palette: {proof.distance_without:.3f} without → {proof.distance_with:.3f} with "
        f"(the palette's own spread is {proof.distance_within_palette:.3f}); style gained {proof.style_gained:.2f}",
        f"subject kept: {proof.subject_kept_without:.2f} without → {proof.subject_kept_with:.2f} with the seal",
    ]
    if proof.same_picture_psnr is not None:
        lines.append(f"kohya file against diffusers file, same seeds: {proof.same_picture_psnr:.1f} dB")
    return "\n".join(lines)
