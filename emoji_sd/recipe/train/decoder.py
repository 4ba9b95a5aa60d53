"""What the VAE's decoder learns once its encoder has come to rest: sharp edges, and cells where pixels are art.

The encoder stays, so latents and all that was taught on them stay valid. It learnt from crops that began at any pixel;
here windows begin where a cell of the latents begins, so that a decoder can know where pixel art's own cells lie.
"""

import numpy as np
import torch
from diffusers import AutoencoderKL

from emoji_sd.recipe.train.denoising import Dataset
from emoji_sd.recipe.train.precision import halved
from emoji_sd.recipe.train.runs import Run, Session
from emoji_sd.recipe.train.vae import as_tensor, reconstruction

STEPS, RATE = 5000, 1e-3
MUON = ("decoder/mid_block", "decoder/up_blocks")
BATCH, WINDOW = 8, 12  # windows of so many cells a side
CELL = 8  # pixels a side of a cell


def windows(dataset: Dataset, step: int) -> tuple[torch.Tensor, torch.Tensor]:
    """A step's latents (BATCH, 12, WINDOW, WINDOW), scaled, and their pictures (BATCH, 3, CELL·WINDOW, CELL·WINDOW).

    Pictures of held-out pairs are left out.
    """
    pictures, chance = dataset.pictures, np.random.default_rng((10, step))
    chosen = np.sort(chance.choice(np.flatnonzero(~pictures.held), BATCH))
    corners = chance.integers(0, dataset.latents.shape[-1] - WINDOW + 1, (BATCH, 2))
    latents, real = [], []
    for i, (r, c) in zip(chosen, corners, strict=True):
        latents.append(dataset.latents[i, :, r : r + WINDOW, c : c + WINDOW].float())
        real.append(pictures.pixels[i, CELL * r : CELL * (r + WINDOW), CELL * c : CELL * (c + WINDOW)])
    return torch.stack(latents), as_tensor(np.stack(real))


def train(autoencoder: AutoencoderKL, scaling_factor: float, dataset: Dataset, run: Run, session: Session) -> None:
    """Train for a session. The run's module "decoder" is the autoencoder's."""
    for step in run.steps(session):
        latents, real = windows(dataset, step)
        with halved(latents.device):
            drawn = autoencoder.decode(latents / scaling_factor).sample.float()
        value = reconstruction(drawn, real)
        torch.autograd.backward(value)
        run.update()
        run.losses.append(float(value.detach()))
