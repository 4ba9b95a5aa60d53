"""The long part: the U-Net learns from cached latents, over as many sessions as it takes."""

from dataclasses import dataclass
from itertools import product
from pathlib import Path

import numpy as np
import torch
from diffusers import AutoencoderKL, UNet2DConditionModel
from safetensors.torch import load_file, save_file
from transformers import CLIPTextModel, CLIPTokenizer

from emoji_sd.recipe.data.captions import IN_A_MANNER, NO_GROUND, NO_LOOK, PLAIN, PLAIN_GROUND, varied
from emoji_sd.recipe.data.looks import MANNERS
from emoji_sd.recipe.data.pictures import Pictures
from emoji_sd.recipe.data.vocabulary import Vocabulary
from emoji_sd.recipe.progress import counted
from emoji_sd.recipe.train import text, unet, vae
from emoji_sd.recipe.train.distributed import HALVES, ProcessGroup
from emoji_sd.recipe.train.precision import halved
from emoji_sd.recipe.train.runs import Run, Session

BATCH = 32  # of each half
RATE = 1.5e-3
MUON = ("unet/down_blocks", "unet/mid_block", "unet/up_blocks", "unet/add_embedding")
SHIFT = 1.5  # of timesteps towards noise, where what a picture shows is decided


@dataclass(frozen=True)
class Dataset:
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


def dataset(path: Path, pictures: Pictures, vocabulary: Vocabulary, tokenizer: CLIPTokenizer) -> tuple[Dataset, float]:
    """The cached latents as a dataset, and the VAE's scaling factor."""
    found = load_file(path)
    return Dataset(found["latents"], pictures, vocabulary, tokenizer), float(found["scaling_factor"])


def batch(dataset: Dataset, size: int, chance: np.random.Generator) -> tuple[torch.Tensor, list[str]]:
    """Latents (size, 12, 16, 16) and captions; in each manner, every picture of a pair not held out is equally likely.

    A caption that names no look, or no ground, shows the plain one.
    """
    pictures, vocabulary = dataset.pictures, dataset.vocabulary
    is_plain = pictures.look == [look.words for look in vocabulary.looks].index(PLAIN)
    is_on_plain = pictures.ground == list(vocabulary.grounds).index(PLAIN_GROUND)
    manners = np.where(chance.uniform(size=size) < IN_A_MANNER, chance.integers(1, len(MANNERS), size), 0)
    no_look, no_ground = chance.uniform(size=size) < NO_LOOK, chance.uniform(size=size) < NO_GROUND
    rows = np.zeros(size, np.int64)
    for manner, lookless, groundless in product(range(len(MANNERS)), (False, True), (False, True)):
        asked = (manners == manner) & (no_look == lookless) & (no_ground == groundless)
        able = (is_plain | (not lookless)) & (is_on_plain | (not groundless)) & ~pictures.held
        fit = able & (pictures.manner == manner)
        if asked.any():  # a few subjects may have no such picture in the manner
            rows[asked] = chance.choice(np.flatnonzero(fit if fit.any() else able), int(asked.sum()))
    captions = [
        varied(
            vocabulary,
            int(pictures.subject[row]),
            None if lookless else int(pictures.look[row]),
            None if groundless else int(pictures.ground[row]),
            chance,
            list(MANNERS)[pictures.manner[row]],
        )
        for row, lookless, groundless in zip(rows, no_look, no_ground, strict=True)
    ]
    return dataset.latents[rows].float(), captions


@torch.no_grad()
def embedded(dataset: Dataset, encoder: CLIPTextModel, captions: list[str]) -> torch.Tensor:
    """What an encoder that has read says of captions: (n, TOKENS, WIDTH), computed in bf16 where that is quicker."""
    tokens = text.ids(dataset.tokenizer, captions).to(encoder.device)
    with halved(encoder.device):
        found: torch.Tensor = encoder(tokens).last_hidden_state
    return found


def train(
    dataset: Dataset,
    encoder: CLIPTextModel,
    run: Run,
    session: Session,
    group: ProcessGroup,
) -> None:
    """Train for a session. The run's module is "unet"; the text encoder has read, and stays as it is."""
    network = run.modules["unet"]
    assert isinstance(network, UNet2DConditionModel)
    device = network.device
    scheduler = unet.make_scheduler()

    def loss(step: int, half: int) -> torch.Tensor:
        latents, captions = batch(dataset, session.batch_size or BATCH, np.random.default_rng((4, step, half)))
        embeddings = embedded(dataset, encoder, captions)
        chance = torch.Generator().manual_seed(HALVES * step + half)
        return unet.loss(network, scheduler, latents.to(device), embeddings, chance, SHIFT)

    run.train(session, group, loss)
