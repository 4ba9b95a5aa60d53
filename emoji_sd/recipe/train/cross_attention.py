"""Cross-attention pre-training, before the long part: the U-Net learns in which token each place of it is written.

At the noisiest timestep the best answer is known: what the text encoder predicts, with none of the noise that a real
picture brings along. Half the rows are patchwork, each cell out of another caption, so that nothing but looking a cell
up in its own token will do: a U-Net knows where it is only from the edges of its convolutions, and finds out slowly
when a caption's words let it guess.
"""

import numpy as np
import torch
from diffusers import UNet2DConditionModel
from torch.nn import functional
from transformers import CLIPTextModel

from emoji_sd.recipe.progress import say
from emoji_sd.recipe.train import attention_places, denoising, text, unet
from emoji_sd.recipe.train.distributed import HALVES, ProcessGroup
from emoji_sd.recipe.train.mean_latents import MeanLatents
from emoji_sd.recipe.train.precision import halved
from emoji_sd.recipe.train.runs import Run, Session

STEPS = 220
CAPTIONS = 384  # that places are found from


def patchwork(embeddings: torch.Tensor, chance: torch.Generator) -> torch.Tensor:
    """Embeddings (n, TOKENS, WIDTH), the second half of the rows with every cell taken from a row by chance."""
    n = len(embeddings)
    cells = torch.arange(text.SAID, text.TOKENS, device=embeddings.device)
    rows = torch.arange(n)[:, None].repeat(1, len(cells))
    rows[n // 2 :] = torch.randint(n, (n - n // 2, len(cells)), generator=chance)
    mixed = embeddings[rows.to(embeddings.device), cells]
    return torch.cat([embeddings[:, : text.SAID], mixed], 1)


@torch.no_grad()
def initialize(
    dataset: denoising.Dataset,
    encoder: CLIPTextModel,
    run: Run,
    *,
    amount: int = CAPTIONS,
    steps: int = attention_places.STEPS,
) -> None:
    """Let the run's U-Net know which token is which place's, before the first step."""
    network = run.modules["unet"]
    assert isinstance(network, UNet2DConditionModel)
    latents, captions = denoising.batch(dataset, amount, np.random.default_rng(12))
    chance = torch.Generator().manual_seed(12)
    said = denoising.embedded(dataset, encoder, captions).float()
    share = attention_places.initialize(
        network, latents.to(network.device), patchwork(said, chance), chance, steps=steps
    )
    if not run.silent:
        say(f"{share:.0%} of a place's attention goes to its own cell; 1 % would by chance")


def train(
    dataset: denoising.Dataset,
    encoder: CLIPTextModel,
    head: MeanLatents,
    run: Run,
    session: Session,
    group: ProcessGroup,
) -> None:
    """Train for a session. The run's module is "unet"; text encoder and mean latents stay as they are."""
    network = run.modules["unet"]
    assert isinstance(network, UNet2DConditionModel)
    device = network.device
    size = session.batch_size or denoising.BATCH
    last = int(unet.make_scheduler().config["num_train_timesteps"]) - 1

    def loss(step: int, half: int) -> torch.Tensor:
        _, captions = denoising.batch(dataset, size, np.random.default_rng((11, step, half)))
        chance = torch.Generator().manual_seed(HALVES * step + half)
        said = patchwork(denoising.embedded(dataset, encoder, captions), chance)
        with torch.no_grad(), halved(device):
            mean = head(said).float()
        noise = torch.randn(mean.shape, generator=chance).to(device)
        t = torch.full((len(noise),), last, device=device)
        with halved(device):
            v = network(noise.contiguous(memory_format=torch.channels_last), t, said, return_dict=False)[0]
        return functional.mse_loss(v.float(), -mean)

    run.train(session, group, loss)
