"""The VAE: pictures (3, 128, 128) to latents (12, 16, 16) and back, trained on 64 px crops.

KL autoencoder of Rombach et al. 2022 without the adversary, with EQ-VAE's scale equivariance (Kouzelis et al. 2025):
a decoder that can also read shrunken latents keeps latents smooth, which the U-Net then learns several times faster.
"""

import numpy as np
import numpy.typing as npt
import torch
from diffusers import AutoencoderKL
from torch.nn import functional

from emoji_sd.recipe.data.pictures import Pictures
from emoji_sd.recipe.progress import counted
from emoji_sd.recipe.train.precision import halved
from emoji_sd.recipe.train.runs import Run, Session

CROP = 64
BATCH = 16
EQUIVARIANT = 0.1  # share of batches that decode shrunken latents
KL_WEIGHT = 1e-3
AT_ONCE = 8  # whole pictures: 64 of them fall out of a CPU's cache and take twice as long
Rows = npt.NDArray[np.int64]


def make() -> AutoencoderKL:
    """A fresh VAE, f8, 12 latent channels."""
    return AutoencoderKL(
        in_channels=3,
        out_channels=3,
        down_block_types=("DownEncoderBlock2D",) * 4,
        up_block_types=("UpDecoderBlock2D",) * 4,
        block_out_channels=(16, 32, 64, 96),
        layers_per_block=1,
        latent_channels=12,
        norm_num_groups=8,
        mid_block_add_attention=False,
        sample_size=128,
        scaling_factor=1.0,
    )


def as_tensor(pixels: "np.ndarray[tuple[int, ...], np.dtype[np.uint8]]") -> torch.Tensor:
    """uint8 (n, h, w, 3) to float32 (n, 3, h, w) in -1 … 1."""
    return torch.from_numpy(np.ascontiguousarray(pixels)).permute(0, 3, 1, 2).float() / 127.5 - 1


def crops(pictures: Pictures, step: int) -> torch.Tensor:
    """The batch of a step: random crops of pictures whose pair is not held out, (BATCH, 3, CROP, CROP)."""
    chance = np.random.default_rng((2, step))
    trained = np.flatnonzero(~pictures.held)
    size = pictures.pixels.shape[1]
    chosen = chance.choice(trained, BATCH)
    corners = chance.integers(0, size - CROP + 1, (BATCH, 2))
    cut = [pictures.pixels[i, r : r + CROP, c : c + CROP] for i, (r, c) in zip(chosen, corners, strict=True)]
    return as_tensor(np.stack(cut))


def _edges(picture: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    return picture[..., 1:] - picture[..., :-1], picture[..., 1:, :] - picture[..., :-1, :]


def reconstruction(drawn: torch.Tensor, real: torch.Tensor) -> torch.Tensor:
    """Squared error, absolute error, and absolute error of neighbouring pixels' differences."""
    edges = sum(((a - b).abs().mean() for a, b in zip(_edges(drawn), _edges(real), strict=True)), torch.zeros(()))
    return 2 * (drawn - real).square().mean() + 0.5 * (drawn - real).abs().mean() + 0.5 * edges


def loss(vae: AutoencoderKL, real: torch.Tensor, chance: torch.Generator) -> torch.Tensor:
    """The training loss of a batch (n, 3, CROP, CROP)."""
    shrink = torch.rand((), generator=chance).item() < EQUIVARIANT
    with halved(real.device):
        posterior = vae.encode(real).latent_dist
        mean, logvar = posterior.mean.float(), posterior.logvar.float()
        latents = mean + (0.5 * logvar).exp() * torch.randn(mean.shape, generator=chance)
        if shrink:
            latents = functional.interpolate(latents, scale_factor=0.5, mode="area")
            real = functional.interpolate(real, scale_factor=0.5, mode="area")
        drawn = vae.decode(latents).sample.float()
    kl = 0.5 * (mean.square() + logvar.exp() - 1 - logvar).mean()
    total: torch.Tensor = reconstruction(drawn, real) + KL_WEIGHT * kl
    return total


def train(pictures: Pictures, run: Run, session: Session) -> None:
    """Train the run's VAE for a session."""
    vae = run.modules["vae"]
    assert isinstance(vae, AutoencoderKL)
    for step in run.steps(session):
        value = loss(vae, crops(pictures, step), torch.Generator().manual_seed(step))
        torch.autograd.backward(value)
        run.update()
        run.losses.append(float(value.detach()))


@torch.no_grad()
def psnr(vae: AutoencoderKL, pictures: Pictures, amount: int = 256) -> float:
    """Mean PSNR in dB over pictures of held-out pairs, whole pictures, from the posterior's mean."""
    chosen = np.random.default_rng(3).choice(np.flatnonzero(pictures.held), amount, replace=False)
    values = []
    for part in np.array_split(np.sort(chosen), amount // 16):
        real = as_tensor(pictures.pixels[part])
        drawn = vae.decode(vae.encode(real).latent_dist.mean).sample.clamp(-1, 1)
        error = ((drawn - real) / 2).square().mean((1, 2, 3))
        values.append(-10 * torch.log10(error))
    return float(torch.cat(values).mean())


@torch.no_grad()
def latents_of(vae: AutoencoderKL, pictures: Pictures, rows: Rows) -> torch.Tensor:
    """Latent means (n, 12, 16, 16) of the given rows, unscaled, float32."""
    parts = []
    for part in np.array_split(rows, max(1, len(rows) // AT_ONCE)):
        with halved(vae.device):
            parts.append(vae.encode(as_tensor(pictures.pixels[part])).latent_dist.mean.float())
    return torch.cat(parts)


@torch.no_grad()
def through(vae: AutoencoderKL, pictures: Pictures, rows: Rows) -> npt.NDArray[np.uint8]:
    """The given rows encoded and decoded again: uint8 (n, SIZE, SIZE, 3)."""
    parts = []
    for part in counted(np.array_split(rows, max(1, len(rows) // AT_ONCE)), "through the VAE and back"):
        with halved(vae.device):
            mean = vae.encode(as_tensor(pictures.pixels[part])).latent_dist.mean
            drawn = vae.decode(mean).sample.float().clamp(-1, 1)
        parts.append(((drawn.permute(0, 2, 3, 1) + 1) * 127.5).round().byte().numpy())
    return np.concatenate(parts)
