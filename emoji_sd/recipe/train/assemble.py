"""From the runs under build/emoji_sd to one pipeline."""

from __future__ import annotations

from diffusers import StableDiffusionPipeline

from emoji_sd.recipe.train import export, unet
from emoji_sd.recipe.train.runs import Constant
from emoji_sd.recipe.train.sessions import aligned_encoder, dataset, unet_run
from emoji_sd.recipe.train.vae_runs import finished_vae


def assemble(folder: str) -> StableDiffusionPipeline:
    """The pipeline of a U-Net run's EMA, in fp32."""
    found, scaling_factor = dataset()
    run = unet_run(folder, Constant())
    run.resume()
    run.use_ema()
    plain = unet.make()
    plain.load_state_dict(run.modules["unet"].state_dict())
    return export.pipeline(finished_vae(), scaling_factor, found.tokenizer, aligned_encoder(found.tokenizer), plain)
