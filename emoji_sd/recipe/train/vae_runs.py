"""The runs of the VAE and of its decoder, resumed where they lie, and the VAE that comes of them."""

from __future__ import annotations

import torch
from diffusers import AutoencoderKL

from emoji_sd.recipe.data.commands import BUILD
from emoji_sd.recipe.train import decoder, vae
from emoji_sd.recipe.train.runs import Cosine, Optimization, Run

VAE_STEPS = 8000


def vae_run() -> Run:
    """The VAE's run, resumed."""
    torch.manual_seed(0)
    run = Run(BUILD / "vae", {"vae": vae.make()}, Optimization(2e-3, Cosine(VAE_STEPS)), ema=0.99)
    run.resume()
    return run


def decoder_run() -> tuple[Run, AutoencoderKL]:
    """The run of the VAE's decoder, resumed, and the VAE whose encoder has come to rest.

    Raises SystemExit where there is no VAE yet.
    """
    encoded = vae_run()
    if encoded.step == 0:
        raise SystemExit("There is no VAE yet: run `python -m emoji_sd vae` first, or `from-shipped`.")
    encoded.use_ema()
    autoencoder = encoded.modules["vae"]
    assert isinstance(autoencoder, AutoencoderKL)
    optimization = Optimization(decoder.RATE, Cosine(decoder.STEPS), muon=decoder.MUON)
    run = Run(BUILD / "decoder", {"decoder": autoencoder.decoder}, optimization, ema=0.99)
    run.resume()
    return run, autoencoder


def finished_vae() -> AutoencoderKL:
    """The VAE as it is shipped: its EMA, its decoder trained on. Raises SystemExit where there is none yet."""
    run, autoencoder = decoder_run()
    run.use_ema()
    return autoencoder.eval()
