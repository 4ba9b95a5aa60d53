"""Our training step against what diffusers' train_text_to_image_lora.py does: VAE and text encoder in every step.

The baseline is that script's loop body written plainly over the same adapter, optimizer, batch and precision; only
where latents and embeddings come from differs, and the script's unweighted loss is used on both sides.
"""

from __future__ import annotations

from dataclasses import replace
from io import BytesIO
from pathlib import Path

import torch
from PIL import Image

from bench.drawing import timed
from bench.table import Line, compare
from engine.models import adapters
from engine.models.machine import Machine
from engine.pictures.latents import pixels_of
from engine.pictures.noise import rowwise_error, target_of
from engine.training.dataset import prepare
from engine.training.loop import Loop
from storage.records import ContentHash, Recipe
from storage.requests import TrainingPicture

SHEET = Path(__file__).resolve().parents[1] / "engine" / "emoji_sd" / "sheet.png"
SUBJECTS = ("cat face", "fox", "pizza", "castle", "rocket", "red apple", "guitar", "mushroom")
PAIRS, STEPS_A_TURN = 5, 4
WIDE = ("to_q", "to_k", "to_v", "to_out.0", "ff.net.0.proj", "ff.net.2", "proj_in", "proj_out")


def palette() -> tuple[list[TrainingPicture], dict[ContentHash, bytes]]:
    """Eight pictures of one look, cut from the sheet that ships with the model."""
    sheet, files, pictures = Image.open(SHEET).convert("RGB"), {}, []
    for number, subject in enumerate(SUBJECTS):
        target = BytesIO()
        sheet.crop((0, 128 * number, 128, 128 * (number + 1))).save(target, "PNG")
        name = ContentHash(f"{number:064}")
        files[name] = target.getvalue()
        pictures.append(TrainingPicture(file=name, caption=f"a {subject}, ohwx", subject=subject))
    return pictures, files


def script_step(loop: Loop, captions: list[str], step: int) -> None:
    """One step as the script does it: encode pictures and captions, add noise, predict, mean squared error, step."""
    machine, chance = loop.machine, loop.chance(step)
    pixels = torch.cat([pixels_of(machine, loop.dataset.images[int(one)]) for one in chance.pictures])
    tokens = machine.tokenizers[0](
        [captions[int(one)] for one in chance.pictures],
        padding="max_length",
        max_length=machine.max_tokens,
        truncation=True,
        return_tensors="pt",
    )
    with torch.no_grad():
        latents = machine.vae.encode(pixels).latent_dist.sample() * machine.vae.config.scaling_factor
        hidden = machine.text_encoders[0](tokens.input_ids)[0]
    with torch.enable_grad(), adapters.using(machine, {loop.name: 1.0}):
        noisy = loop.schedule.add_noise(latents, chance.noise, chance.t)
        prediction = machine.unet(noisy, chance.t, encoder_hidden_states=hidden, return_dict=False)[0]
        loss = rowwise_error(prediction, target_of(loop.schedule, latents, chance.noise, chance.t)).mean()
        torch.autograd.backward(loss)
    loss.item()
    torch.nn.utils.clip_grad_norm_(loop.parameters, 1.0)
    loop.optimizer.step()
    loop.optimizer.zero_grad()


def main() -> Line:
    """Turns of four steps, interleaved."""
    machine = Machine.load(device="cpu")
    pictures, files = palette()
    recipe = replace(Recipe(), rank=16, alpha=16, targets=WIDE, min_snr_gamma=None, steps=100_000)
    loop = Loop(machine, prepare(machine, pictures, files.__getitem__), recipe, "bench")
    captions = [picture.caption for picture in pictures]

    def ours() -> None:
        for _ in range(STEPS_A_TURN):
            list(loop.run_step())

    def theirs() -> None:
        for step in range(STEPS_A_TURN):
            script_step(loop, captions, step)

    ours()
    theirs()
    turns = [(timed(ours), timed(theirs)) for _ in range(PAIRS)]
    loop.close()
    ours_seconds, their_seconds = [a for a, _ in turns], [b for _, b in turns]
    return compare("4 training steps, batch 4", ours_seconds, "diffusers' script loop", their_seconds, 1.0)


if __name__ == "__main__":
    print(main())
