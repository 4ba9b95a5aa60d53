"""Where a place of the picture is written: queries and keys of one cross-attention, found before anything is drawn.

A U-Net knows where it is only from the zeros around its convolutions, and a token knows its cell from its position's
embedding. Both can be read off an untrained network; but cross-attention finds them together so slowly that the words
of the caption, which say as much to every place, are learnt instead. So one attention learns just this, in seconds.
"""

from collections.abc import Sequence

import torch
from diffusers import UNet2DConditionModel
from torch import nn
from torch.nn import functional

from emoji_sd.recipe.train import text, unet
from emoji_sd.recipe.train.precision import halved

# The first at 8×8 on the way up, where places are told apart best; as wide as an embedding, so it hands one on whole.
WHERE = "up_blocks.0.attentions.0.transformer_blocks.0.attn2"
TIMESTEPS = (999, 970, 930, 880, 800)
STEPS, RATE, BATCH = 1000, 1e-2, 32
HELD = 32  # captions that only measure


@torch.no_grad()
def _seen(
    network: UNet2DConditionModel, latents: torch.Tensor, embeddings: torch.Tensor, chance: torch.Generator
) -> torch.Tensor:
    """What the attention's queries are made of: (timesteps, n, cells, channels)."""
    attention, found = network.get_submodule(WHERE), []
    scheduler = unet.make_scheduler()
    hook = attention.get_submodule("to_q").register_forward_pre_hook(lambda _, given: found.append(given[0].float()))
    for timestep in TIMESTEPS:
        t = torch.full((len(latents),), timestep, device=latents.device)
        noise = torch.randn(latents.shape, generator=chance).to(latents.device)
        with halved(latents.device):
            network(scheduler.add_noise(latents, noise, t), t, embeddings, return_dict=False)
    hook.remove()
    return torch.stack(found)


def initialize(
    network: UNet2DConditionModel,
    latents: torch.Tensor,
    embeddings: torch.Tensor,
    chance: torch.Generator,
    *,
    steps: int = STEPS,
    held_out: int = HELD,
) -> float:
    """Let every place at 8×8 look its own cell up, and hand on what is written there.

    latents (n, 12, 16, 16) and their captions' embeddings (n, TOKENS, WIDTH). Returns how much of the attention goes to
    the own cell, on captions that were not learnt from; 1/88 is by chance.
    """
    attention = network.get_submodule(WHERE)
    heads, device = int(attention.heads), latents.device
    seen = _seen(network, latents, embeddings, chance)
    wide = embeddings.shape[2] // heads
    queries, keys = (
        nn.Parameter(torch.randn(n, wide, generator=chance).div(n**0.5).to(device)) for n in (seen.shape[3], text.WIDTH)
    )
    own = torch.arange(text.SAID, text.TOKENS, device=device)

    def scores(timesteps: Sequence[int] | torch.Tensor, rows: torch.Tensor) -> torch.Tensor:
        found: torch.Tensor = (seen[timesteps, rows] @ queries) @ (embeddings[rows] @ keys).mT / wide**0.5
        return found

    optimizer = torch.optim.Adam([queries, keys], RATE)
    for step in range(steps):
        optimizer.param_groups[0]["lr"] = RATE * (1 - step / steps)
        rows = torch.randint(held_out, len(latents), (BATCH,), generator=chance)
        timesteps = torch.randint(len(TIMESTEPS), (BATCH,), generator=chance)
        with torch.enable_grad():
            loss = functional.cross_entropy(scores(timesteps, rows).flatten(0, 1), own.repeat(BATCH))
            optimizer.zero_grad()
            torch.autograd.backward(loss)
        optimizer.step()
    with torch.no_grad():
        attention.get_submodule("to_q").weight.copy_(queries.mT.repeat(heads, 1))
        attention.get_submodule("to_k").weight.copy_(keys.mT.repeat(heads, 1))
        for name in ("to_v", "to_out.0"):
            nn.init.eye_(attention.get_submodule(name).weight)
        held = torch.arange(held_out)
        shares = [scores([number], held).softmax(-1) for number in range(len(TIMESTEPS))]
        return float(torch.stack(shares).diagonal(text.SAID, 2, 3).mean())
