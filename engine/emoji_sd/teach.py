"""The long part: the U-Net learns from cached latents, over as many sittings as it takes."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from diffusers import AutoencoderKL, UNet2DConditionModel
from safetensors.torch import load_file, save_file
from transformers import CLIPTextModel, CLIPTokenizer

from engine.emoji_sd import text, unet, vae
from engine.emoji_sd.captions import NO_GROUND, NO_LOOK, PLAIN, PLAIN_GROUND, varied
from engine.emoji_sd.pictures import Pictures
from engine.emoji_sd.precision import halved
from engine.emoji_sd.progress import counted
from engine.emoji_sd.runs import Run, Sitting
from engine.emoji_sd.together import HALVES, Team
from engine.emoji_sd.vocabulary import Vocabulary

BATCH = 32  # of each half
RATE = 2e-3
BY_MUON = ("unet/down_blocks", "unet/mid_block", "unet/up_blocks", "unet/add_embedding")
SHIFT = 3.0  # of timesteps towards noise: what a picture shows is decided there, hardly anywhere below timestep 700


@dataclass(frozen=True)
class Lesson:
    """What is learnt from: latents (n, 12, 16, 16) in fp16, scaled to standard deviation one, and what is on each."""

    latents: torch.Tensor
    pictures: Pictures
    vocabulary: Vocabulary
    tokenizer: CLIPTokenizer


def cache_latents(autoencoder: AutoencoderKL, pictures: Pictures, path: Path) -> None:
    """Encode every picture into `path` (.safetensors): scaled latents, and the factor, 1 / standard deviation."""
    parts = [
        vae.latents_of(autoencoder, pictures, rows).half()
        for rows in counted(
            np.array_split(np.arange(len(pictures.pixels)), max(1, len(pictures.pixels) // 512)), "latents"
        )
    ]
    latents = torch.cat(parts)
    factor = 1 / latents.float().std()
    save_file({"latents": (latents.float() * factor).half(), "scaling_factor": factor.reshape(1)}, path)


def lesson(path: Path, pictures: Pictures, vocabulary: Vocabulary, tokenizer: CLIPTokenizer) -> tuple[Lesson, float]:
    """The cached latents as a lesson, and the VAE's scaling factor."""
    found = load_file(path)
    return Lesson(found["latents"], pictures, vocabulary, tokenizer), float(found["scaling_factor"])


def batch(lesson: Lesson, size: int, chance: np.random.Generator) -> tuple[torch.Tensor, list[str]]:
    """Latents (size, 12, 16, 16) and captions; every pair that is not held out is equally likely.

    A caption that names no look, or no ground, shows the plain one.
    """
    pictures, vocabulary = lesson.pictures, lesson.vocabulary
    allowed = np.flatnonzero(~pictures.held)
    is_plain = pictures.look[allowed] == [look.words for look in vocabulary.looks].index(PLAIN)
    is_on_plain = pictures.ground[allowed] == list(vocabulary.grounds).index(PLAIN_GROUND)
    rows = np.sort(chance.choice(allowed, size, replace=False))
    no_look, no_ground = chance.uniform(size=size) < NO_LOOK, chance.uniform(size=size) < NO_GROUND
    for asked, fit in (
        (no_look & ~no_ground, is_plain),
        (no_ground & ~no_look, is_on_plain),
        (no_look & no_ground, is_plain & is_on_plain),
    ):
        rows[asked] = chance.choice(allowed[fit], int(asked.sum()))
    captions = [
        varied(
            vocabulary,
            int(pictures.subject[row]),
            None if is_without_look else int(pictures.look[row]),
            None if is_without_ground else int(pictures.ground[row]),
            chance,
        )
        for row, is_without_look, is_without_ground in zip(rows, no_look, no_ground, strict=True)
    ]
    return lesson.latents[rows].float(), captions


@torch.no_grad()
def embedded(lesson: Lesson, encoder: CLIPTextModel, captions: list[str]) -> torch.Tensor:
    """What an encoder that has read says of captions: (n, TOKENS, WIDTH), computed in bf16 where that is quicker."""
    tokens = text.ids(lesson.tokenizer, captions).to(encoder.device)
    with halved(encoder.device):
        found: torch.Tensor = encoder(tokens).last_hidden_state
    return found


def teach(
    lesson: Lesson,
    encoder: CLIPTextModel,
    run: Run,
    sitting: Sitting,
    team: Team,
) -> None:
    """Train for a sitting. The run's module is "unet"; the text encoder has read, and stays as it is."""
    network = run.modules["unet"]
    assert isinstance(network, UNet2DConditionModel)
    device = network.device
    scheduler = unet.make_scheduler()

    def loss(step: int, half: int) -> torch.Tensor:
        latents, captions = batch(lesson, BATCH, np.random.default_rng((4, step, half)))
        embeddings = embedded(lesson, encoder, captions)
        chance = torch.Generator().manual_seed(HALVES * step + half)
        return unet.loss(network, scheduler, latents.to(device), embeddings, chance, SHIFT)

    run.learn(sitting, team, loss)
