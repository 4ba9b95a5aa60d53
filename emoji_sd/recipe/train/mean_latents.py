"""Mean-latent regression, before the long part: the text encoder learns to predict a caption's mean picture.

The noisiest timestep of v-prediction can know nothing but E[x₀ | caption]. The text encoder learns that mean many times
faster alone than behind a U-Net, and lays it out in its last 64 tokens, a cell of two by two latents each. What is left
to the U-Net is the same for every subject: look the cell up, and draw it.
"""

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from emoji_sd.recipe.train import denoising, text
from emoji_sd.recipe.train.distributed import ProcessGroup
from emoji_sd.recipe.train.precision import halved
from emoji_sd.recipe.train.runs import Run, Session
from emoji_sd.recipe.train.unet import CHANNELS, SIDE

BATCH = 64  # of each half
RATE = 2e-3
STEPS = 5000
MUON = ("text_encoder/encoder", "text_encoder/text_model.encoder")  # transformers 5 and 4 name it so
CELL = SIDE // text.SIDE  # latents of a token, down and across


class MeanLatents(nn.Module):
    """Embeddings (n, TOKENS, WIDTH) to mean latents (n, 12, 16, 16): each of the last 64 tokens read off alike."""

    def __init__(self) -> None:
        super().__init__()
        self.cell = nn.Linear(text.WIDTH, CHANNELS * CELL * CELL)

    def forward(self, embeddings: torch.Tensor) -> torch.Tensor:
        cells = self.cell(embeddings[:, text.SAID :]).unflatten(2, (CHANNELS, CELL, CELL))
        rows = cells.unflatten(1, (text.SIDE, text.SIDE)).permute(0, 3, 1, 4, 2, 5)
        found: torch.Tensor = rows.reshape(-1, CHANNELS, SIDE, SIDE)
        return found


def train(
    dataset: denoising.Dataset,
    run: Run,
    session: Session,
    device: torch.device,
    group: ProcessGroup,
) -> None:
    """Train for a session. The modules of the run are "text_encoder" and "mean_latents"."""
    encoder, head = run.modules["text_encoder"], run.modules["mean_latents"]
    size = session.batch_size or BATCH

    def loss(step: int, half: int) -> torch.Tensor:
        latents, captions = denoising.batch(dataset, size, np.random.default_rng((10, step, half)))
        tokens = text.ids(dataset.tokenizer, captions).to(device)
        with halved(device):
            mean = head(encoder(tokens).last_hidden_state)
        return functional.mse_loss(mean.float(), latents.to(device))

    run.train(session, group, loss)
