"""Reading, before the long part: text encoder and pooled text path learn to foretell a caption's mean picture.

The noisiest timestep of v-prediction can know nothing but E[x₀ | caption]. A small head learns that mean many times
faster than the U-Net does, and leaves embeddings behind in which a subject's shape is there to be read.
"""

import numpy as np
import torch
from diffusers import UNet2DConditionModel
from torch import nn
from torch.nn import functional

from engine.emoji_sd import teach, text
from engine.emoji_sd.runs import Run, Sitting
from engine.emoji_sd.together import HALVES, Team

BATCH = 128  # of each half
RATE = 2e-3
STEPS = 3000
WIDE = 1024


class Foretelling(nn.Module):
    """Embeddings (n, tokens, width) to mean latents (n, 12, 16, 16), through the pooling of a U-Net."""

    def __init__(self, unet: UNet2DConditionModel) -> None:
        super().__init__()
        self.pooling = unet.add_embedding
        side, channels = int(unet.config["sample_size"]), int(unet.config["in_channels"])
        pooled = int(unet.config["block_out_channels"][0]) * 4
        self.head = nn.Sequential(
            nn.SiLU(), nn.Linear(pooled, WIDE), nn.SiLU(), nn.Linear(WIDE, channels * side * side)
        )
        self.shape = (channels, side, side)

    def forward(self, embeddings: torch.Tensor) -> torch.Tensor:
        found: torch.Tensor = self.head(self.pooling(embeddings)).unflatten(1, self.shape)
        return found


def read(lesson: teach.Lesson, run: Run, sitting: Sitting, device: torch.device, team: Team) -> None:
    """Read for a sitting. The modules of the run are "text_encoder" and "foretelling"."""
    encoder, foretelling = run.modules["text_encoder"], run.modules["foretelling"]
    for step in run.steps(sitting):
        values = []
        for half in team.halves():
            latents, captions = teach.batch(lesson, BATCH, np.random.default_rng((10, step, half)))
            tokens = text.ids(lesson.tokenizer, captions).to(device)
            with torch.autocast(device.type, torch.bfloat16):
                foretold = foretelling(encoder(tokens).last_hidden_state)
            value = functional.mse_loss(foretold.float(), latents.to(device))
            torch.autograd.backward(value / HALVES)
            values.append(float(value.detach()))
        run.stopped = team.share(run.parameters, run.stopped)
        run.update()
        run.losses.append(sum(values) / len(values))
