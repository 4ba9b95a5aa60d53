"""`python -m bench.full_size sd1|sd2|sdxl FOLDER`: a full-size file of random weights, original layout, tried whole.

Written in fp16, tensor by tensor; loaded without a network; one picture at two steps; two steps of a training; the LoRA
taken home loaded by plain diffusers. Prints seconds and the highest memory of each. By hand: 2, 2.6 and 7 GB of disk.
"""

from __future__ import annotations

import json
import os
import resource
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from io import BytesIO
from pathlib import Path
from typing import Any

import torch
from PIL import Image

from bench.original_layout import original
from storage.families import FAMILIES, Family

SIDE_PX = 512
STEPS = 2
RANK = 8
SEED = 7


def write_file(family: Family, path: Path) -> None:
    """A whole model of random numbers that computes: spread 1/sqrt(fan in), norms of 1, biases of 0."""
    tensors = original(family, _parts_without_numbers(family))
    place, entries = 0, {}
    for name, tensor in tensors.items():
        size = tensor.numel() * 2
        entries[name] = {"dtype": "F16", "shape": list(tensor.shape), "data_offsets": [place, place + size]}
        place += size
    header = json.dumps(entries).encode()
    chance = torch.Generator().manual_seed(SEED)
    with path.open("wb") as file:
        file.write(len(header).to_bytes(8, "little") + header)
        for name, tensor in tensors.items():
            file.write(_numbers(name, tensor.shape, chance).numpy().tobytes())


def _parts_without_numbers(family: Family) -> dict[str, Any]:
    from diffusers import AutoencoderKL, UNet2DConditionModel
    from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection

    from engine.models.layouts import published

    base = published(family)
    with torch.device("meta"):
        found: dict[str, Any] = {
            "unet": UNet2DConditionModel.from_config(base["unet"]),
            "vae": AutoencoderKL.from_config(base["vae"]),
            "text_encoder": CLIPTextModel(CLIPTextConfig(**base["text_encoder"])),
        }
        if FAMILIES[family].knows_sizes:
            found["text_encoder_2"] = CLIPTextModelWithProjection(CLIPTextConfig(**base["text_encoder_2"]))
    return found


def _numbers(name: str, shape: torch.Size, chance: torch.Generator) -> torch.Tensor:
    if len(shape) == 1:
        return torch.ones(shape).half() if name.endswith("weight") else torch.zeros(shape).half()
    fan_in = shape[1:].numel()
    drawn: torch.Tensor = torch.randn(shape, generator=chance) * fan_in**-0.5
    return drawn.half()


def try_file(path: Path, folder: Path) -> dict[str, float]:
    """Seconds and the process's highest memory after each act."""
    from engine.models.loading import load_model

    figures: dict[str, float] = {}
    with _timed(figures, "load"):
        machine = load_model(str(path), device="cpu")
    print(machine.family, machine.dtype, machine.prediction, machine.size_px, flush=True)
    with _timed(figures, "draw"):
        image = _picture(machine)
    image.save(folder / "picture.png")
    with _timed(figures, "train"):
        adapter = _trained(machine, image)
    with _timed(figures, "take home"):
        _taken_home(machine, adapter, folder, path)
    return figures


@contextmanager
def _timed(figures: dict[str, float], act: str) -> Iterator[None]:
    began = time.perf_counter()
    yield
    figures[f"{act}, s"] = round(time.perf_counter() - began, 1)
    figures[f"{act}, GB"] = round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6, 1)
    print(act, figures[f"{act}, s"], "s", figures[f"{act}, GB"], "GB at most", flush=True)


def _picture(machine: Any) -> Image.Image:

    from engine.pictures.rows import Drawn, draw
    from storage.records import Drawing, Seed
    from storage.requests import Row

    drawing = Drawing(steps=STEPS, width_px=SIDE_PX, height_px=SIDE_PX)
    row = Row(prompt="a lighthouse", negative="", seed=Seed(SEED), subject="a lighthouse", drawing=drawing)
    found = [moment for moment in draw(machine, [row]) if isinstance(moment, Drawn)]
    return found[0].image


def _trained(machine: Any, image: Image.Image) -> bytes:
    """Two steps over one picture at 512 px, recomputing activations."""
    import hashlib
    from dataclasses import replace

    from engine.training.dataset import prepare
    from engine.training.loop import Loop
    from storage.recipe import Recipe
    from storage.records import ContentHash
    from storage.requests import TrainingPicture

    file = BytesIO()
    image.save(file, "PNG")
    name = ContentHash(hashlib.sha256(file.getvalue()).hexdigest())
    machine.unet.register_to_config(sample_size=SIDE_PX // machine.latent_scale)
    recipe = replace(Recipe(), rank=RANK, alpha=RANK, steps=STEPS, batch_size=1, accumulation=1)
    shown = [TrainingPicture(file=name, caption="a lighthouse, ohwx", subject="a lighthouse")]
    dataset = prepare(machine, shown, {name: file.getvalue()}.__getitem__, recipe, "ohwx")
    with closing(Loop(machine, dataset, recipe, "trained")) as loop:
        loop.recompute_activations()
        while loop.step < STEPS:
            print([point.loss for point in loop.run_step() if point], flush=True)
        adapter: bytes = machine.bank.save("trained")
        return adapter


def _taken_home(machine: Any, adapter: bytes, folder: Path, path: Path) -> None:
    """Writes both spellings; every kohya name must name a layer of the file; the other is loaded by plain diffusers."""
    from dataclasses import replace

    from safetensors import safe_open
    from safetensors.torch import load

    from engine.exports.about import about_seal
    from engine.exports.lora_file import diffusers_file, kohya_file
    from storage.recipe import Recipe

    recipe = replace(Recipe(), rank=RANK, alpha=RANK, steps=STEPS)
    about = about_seal(machine, recipe, name="seal", trigger="ohwx", pictures=1, step=STEPS)
    with safe_open(path, framework="pt") as file:
        known = {one.removesuffix(".weight") for one in file.keys() if one.endswith(".weight")}  # noqa: SIM118
    layers = {key.split(".")[0] for key in load(kohya_file(adapter, about))}
    strangers = layers - kohya_layers(known, machine.family)
    if strangers:
        raise SystemExit(f"{len(strangers)} of {len(layers)} kohya names are of no layer, e.g. {min(strangers)}")
    print(f"all {len(layers)} kohya names are known", flush=True)
    (folder / "seal-diffusers.safetensors").write_bytes(diffusers_file(adapter, about))
    _loads_in_plain_diffusers(machine, folder / "seal-diffusers.safetensors")


def kohya_layers(names: set[str], family: Family) -> set[str]:
    """What kohya's tools call the U-Net's layers of a file in the original layout.

    SDXL keeps the file's own names; SD 1 and 2 go by diffusers' (sd-scripts, networks/lora.py).
    """
    from bench.original_layout import UNET

    own = {f"lora_unet_{one.removeprefix(UNET).replace('.', '_')}" for one in names if one.startswith(UNET)}
    if FAMILIES[family].kohya_unet_is_stabilitys:
        return own
    return {f"lora_unet_{one.replace('.', '_')}" for one in _diffusers_names(family)}


def _diffusers_names(family: Family) -> set[str]:
    unet = _parts_without_numbers(family)["unet"]
    return {name for name, _ in unet.named_modules()}


def _loads_in_plain_diffusers(machine: Any, file: Path) -> None:
    """By diffusers' own loader, onto the very parts; raises where a tensor has no place."""
    from diffusers.loaders.lora_pipeline import StableDiffusionLoraLoaderMixin, StableDiffusionXLLoraLoaderMixin

    loader = (
        StableDiffusionXLLoraLoaderMixin if FAMILIES[machine.family].knows_sizes else StableDiffusionLoraLoaderMixin
    )
    read: Any = loader.lora_state_dict(file)
    loader.load_lora_into_unet(read[0], read[1], machine.unet, adapter_name="taken_home")
    placed = [key for key, _ in machine.unet.named_parameters() if ".taken_home." in key]
    if len(placed) != len(read[0]):
        raise SystemExit(f"plain diffusers placed {len(placed)} of {len(read[0])} tensors")
    print(f"plain diffusers placed all {len(placed)} tensors", flush=True)


def main(family: Family, folder: Path) -> None:
    """Makes the file where it is not there yet, and tries it."""
    os.environ["HF_HUB_OFFLINE"] = "1"
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{family}-random.safetensors"
    if not path.exists():
        began = time.perf_counter()
        write_file(family, path)
        print(f"written, {path.stat().st_size / 1e9:.2f} GB, {time.perf_counter() - began:.0f} s", flush=True)
    print(json.dumps(try_file(path, folder)))


if __name__ == "__main__":
    main(Family[sys.argv[1].upper()], Path(sys.argv[2]))
