"""What of a folder in diffusers layout is loaded, and whether everything is there that loading and drawing need.

Works on names alone, so that a hub's list of files is judged by the same rule before anything is fetched.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from engine.models.faults import refusal
from engine.models.kinds import fault_of_class, fault_of_unet
from storage.states import ModelFault

INDEX = "model_index.json"
PICKLE_SUFFIXES = frozenset({".bin", ".ckpt", ".pickle", ".pkl", ".pt", ".pth"})
PARTS = {  # folder → what its absence is
    "unet": ModelFault.NO_UNET,
    "vae": ModelFault.NO_VAE,
    "text_encoder": ModelFault.NO_TEXT_ENCODER,
    "text_encoder_2": ModelFault.NO_TEXT_ENCODER,
}
TOKENIZERS = ("tokenizer", "tokenizer_2")
TOKENIZER_FILES = ("tokenizer.json", "vocab.json")
ENCODERS = ("CLIPTextModel", "CLIPTextModelWithProjection")
FAVOURED = ("fp16", "bf16", "fp32")  # of several variants, where none has the plain name
WEIGHTS = re.compile(
    r"(?:diffusion_pytorch_model|pytorch_model|model)"
    r"(?:\.(?P<variant>[A-Za-z0-9_]+))?(?:-\d{5}-of-(?P<count>\d{5}))?\.safetensors"
)


@dataclass(frozen=True)
class Chosen:
    """The weights that are loaded, by part, and the variant that diffusers must be told (None: the plain names)."""

    variant: str | None
    files: Mapping[str, tuple[str, ...]]


def parts_of(index: Mapping[str, Any], model: str) -> tuple[str, ...]:
    """The parts with weights that a `model_index.json` asks for. Raises ModelRefused for what cannot draw here."""
    if fault := _fault_of_index(index):
        raise refusal(fault, model)
    return tuple(part for part in PARTS if _class(index, part))


def _fault_of_index(index: Mapping[str, Any]) -> ModelFault | None:
    """What a pipeline is that cannot draw here: the first that holds."""
    unet, text, text_2 = (_class(index, part) for part in ("unet", "text_encoder", "text_encoder_2"))
    verdicts: tuple[tuple[ModelFault | None, bool], ...] = (
        (found := fault_of_class(str(index.get("_class_name"))), found is not None),
        (ModelFault.EDM, "EDM" in _class(index, "scheduler")),
        (ModelFault.OTHER, not unet and any(_class(index, part) for part in ("transformer", "prior"))),
        (ModelFault.NO_UNET, not unet),
        (ModelFault.VIDEO, "3D" in unet or "Motion" in unet or "Temporal" in unet),
        (ModelFault.OTHER, unet != "UNet2DConditionModel"),
        (ModelFault.REFINER, not text and bool(text_2)),
        (ModelFault.NO_TEXT_ENCODER, not text),
        (ModelFault.OTHER, any(encoder not in (*ENCODERS, "") for encoder in (text, text_2))),
        (ModelFault.NO_VAE, not _class(index, "vae")),
    )
    return next((fault for fault, holds in verdicts if holds), None)


def _class(index: Mapping[str, Any], part: str) -> str:
    found = index.get(part)
    return str(found[1] or "") if isinstance(found, (list, tuple)) and len(found) == 2 else ""


def choose(names: Iterable[str], parts: Iterable[str], model: str) -> Chosen:
    """The weights among the names (`unet/model.safetensors` …) that make the parts whole: plain ones, else a variant.

    Raises ModelRefused where a part has none.
    """
    names = tuple(names)
    inside = {part: [PurePosixPath(one).name for one in names if one.startswith(f"{part}/")] for part in parts}
    sets = {part: _whole_sets(files) for part, files in inside.items()}
    for part, found in sets.items():
        if not found:
            is_pickled = any(PurePosixPath(one).suffix.lower() in PICKLE_SUFFIXES for one in inside[part])
            is_cut = any(WEIGHTS.fullmatch(one) for one in inside[part])
            fault = ModelFault.PICKLE if is_pickled else ModelFault.DAMAGED if is_cut else PARTS[part]
            raise refusal(fault, model)
    known = {variant for found in sets.values() for variant in found if variant} - {"non_ema"}
    for variant in (None, *(one for one in FAVOURED if one in known), *sorted(known.difference(FAVOURED)), "non_ema"):
        # diffusers, too, takes the plain file of a part that does not have the variant
        picked = {part: found.get(variant) or found.get(None) for part, found in sets.items()}
        if all(picked.values()):
            return Chosen(
                variant, {part: tuple(f"{part}/{one}" for one in files or ()) for part, files in picked.items()}
            )
    raise refusal(ModelFault.INCOMPLETE, model)


def _whole_sets(names: Iterable[str]) -> dict[str | None, tuple[str, ...]]:
    """File names by variant, where all shards are there."""
    found: dict[str | None, list[str]] = {}
    wanted: dict[str | None, int] = {}
    for name in sorted(names):
        if (match := WEIGHTS.fullmatch(name)) is None:
            continue
        if match["count"] is None:
            found[match["variant"]], wanted[match["variant"]] = [name], 1
        elif wanted.setdefault(match["variant"], int(match["count"])) == int(match["count"]):
            found.setdefault(match["variant"], []).append(name)
    return {variant: tuple(files) for variant, files in found.items() if len(files) == wanted[variant]}


def check_folder(folder: Path, model: str) -> Chosen:
    """The weights of a folder that has everything. Raises ModelRefused, saying what it is or what it lacks."""
    index = read_json(folder / INDEX, model)
    parts = parts_of(index, model)
    for part in ("unet", "vae"):
        if not (folder / part).is_dir():
            raise refusal(PARTS[part], model)
        if not (folder / part / "config.json").exists():
            raise refusal(ModelFault.INCOMPLETE, model)
    if fault := fault_of_unet(read_json(folder / "unet" / "config.json", model)):
        raise refusal(fault, model)
    for tokenizer, encoder in zip(TOKENIZERS, ("text_encoder", "text_encoder_2"), strict=True):
        if encoder in parts and not any((folder / tokenizer / name).exists() for name in TOKENIZER_FILES):
            raise refusal(ModelFault.NO_TOKENIZER, model)
    return choose((f"{one.parent.name}/{one.name}" for one in folder.glob("*/*")), parts, model)


def read_json(path: Path, model: str) -> dict[str, Any]:
    """A small file of settings. Raises ModelRefused for a damaged one."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise refusal(ModelFault.DAMAGED, model) from error
    if not isinstance(found, dict):
        raise refusal(ModelFault.DAMAGED, model)
    return found
