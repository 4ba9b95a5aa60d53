"""Commands that train the model's parts and export them, in the order in which they are run."""

from __future__ import annotations

import json
import math
from functools import partial
from typing import Annotated

import typer

from emoji_sd.recipe.data import captions, pictures
from emoji_sd.recipe.data import vocabulary as vocabularies
from emoji_sd.recipe.data.commands import BUILD
from emoji_sd.recipe.progress import say
from emoji_sd.recipe.train import alignment, cross_attention, decoder, denoising, export, mean_latents, text, vae
from emoji_sd.recipe.train.assemble import assemble
from emoji_sd.recipe.train.runs import Constant, Cooldown, Session
from emoji_sd.recipe.train.sessions import (
    alignment_run,
    dataset,
    distributed,
    fresh_mean_latents_run,
    train_alignment,
    train_cross_attention,
    train_mean_latents,
    train_unet,
    unet_run,
)
from emoji_sd.recipe.train.vae_runs import VAE_STEPS, decoder_run, vae_run

app = typer.Typer()
Minutes = Annotated[float, typer.Option(help="Stop after so many minutes; the next call resumes.")]


@app.command("vae")
def train_vae(minutes: Minutes = math.inf) -> None:
    """Train the VAE (half an hour on two cores)."""
    run = vae_run()
    real = pictures.load(vocabularies.load(), BUILD / "pictures.npy")
    vae.train(real, run, Session(VAE_STEPS, minutes))
    run.use_ema()
    autoencoder = run.modules["vae"]
    say(f"PSNR on held-out pictures: {vae.psnr(autoencoder, real):.2f} dB")


@app.command()
def latents() -> None:
    """Encode every picture once. What the judge was shown of an older VAE goes."""
    (BUILD / "judge.safetensors").unlink(missing_ok=True)
    run = vae_run()
    run.use_ema()
    real = pictures.load(vocabularies.load(), BUILD / "pictures.npy")
    denoising.cache_latents(run.modules["vae"], real, BUILD / "latents.safetensors")


@app.command("decoder")
def train_decoder(minutes: Minutes = math.inf) -> None:
    """Train the VAE's decoder on, from the latents as they are (20 minutes). What the judge was shown of it goes."""
    (BUILD / "judge.safetensors").unlink(missing_ok=True)
    run, autoencoder = decoder_run()
    found, scaling_factor = dataset()
    decoder.train(autoencoder, scaling_factor, found, run, Session(decoder.STEPS, minutes))
    run.use_ema()
    say(f"PSNR on held-out pictures: {vae.psnr(autoencoder, found.pictures):.2f} dB")


@app.command("mean-latents")
def pretrain_text_encoder(minutes: Minutes = math.inf) -> None:
    """Train the text encoder to predict a caption's mean picture (an hour)."""
    distributed(partial(train_mean_latents, Session(mean_latents.STEPS, minutes)))


@app.command("cross-attention")
def pretrain_unet(minutes: Minutes = math.inf) -> None:
    """Train a fresh U-Net to look up what the text encoder has laid out (ten minutes)."""
    distributed(partial(train_cross_attention, Session(cross_attention.STEPS, minutes)))


@app.command("align")
def align_text_encoder(minutes: Minutes = math.inf) -> None:
    """Train the text encoder to tell looks apart whose mean pictures are alike (a quarter of an hour)."""
    distributed(partial(train_alignment, Session(alignment.STEPS, minutes)))


@app.command("train")
def train_model(minutes: Minutes = math.inf, until: int = 1_000_000) -> None:
    """Train the U-Net at a constant rate. Stop whenever you like; every session makes it better."""
    distributed(partial(train_unet, "unet", Constant(), Session(until, minutes)))


@app.command()
def cooldown(steps: int = 2500) -> None:
    """From where training stands, let the learning rate fall to zero over some steps: this brings sharp edges."""
    state = BUILD / "unet" / "state.json"
    if not state.exists():
        raise SystemExit("Nothing is trained yet: run `python -m emoji_sd train` first.")
    trained = json.loads(state.read_text())["step"]
    folder = BUILD / "cooldown"
    plan = folder / "plan.json"
    planned = json.loads(plan.read_text()) if plan.exists() else None
    if planned is None or planned["from"] != trained:
        planned = {"from": trained, "until": trained + steps}
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "state.json").unlink(missing_ok=True)
        plan.write_text(json.dumps(planned))
    schedule, session = Cooldown(planned["from"], planned["until"]), Session(planned["until"])
    distributed(partial(train_unet, "cooldown", schedule, session))


@app.command("from-shipped")
def start_from_shipped() -> None:
    """Begin where the weights in the repository stand: VAE and text encoder finished, the U-Net before its cooldown."""
    runs = [
        name for name in ("vae", "decoder", "mean-latents", "aligned", "unet") if (BUILD / name / "state.json").exists()
    ]
    if runs:
        raise SystemExit(f"{BUILD} has runs of its own ({', '.join(runs)}): move them away first.")
    words, shipped = vocabularies.load(), export.load()
    vae_run().start_from({"vae": shipped.vae}, VAE_STEPS)
    decoder_run()[0].start_from({"decoder": shipped.vae.decoder}, decoder.STEPS)
    tokenizer = text.make_tokenizer(captions.words(words), BUILD / "tokenizer")
    fresh_mean_latents_run(tokenizer).start_from({"text_encoder": shipped.text_encoder}, mean_latents.STEPS)
    alignment_run(tokenizer)[0].start_from({"text_encoder": shipped.text_encoder}, alignment.STEPS)
    unet_run("unet", Constant()).start_from({"unet": shipped.unet}, 0)
    say(f"{BUILD} stands where the weights do. Next: latents, then train.")


@app.command("export")
def export_weights(run: str = "cooldown") -> None:
    """Write the weights in fp16 into emoji_sd/weights."""
    size = export.export(assemble(run))
    say(f"{size / 1e6:.1f} MB")
