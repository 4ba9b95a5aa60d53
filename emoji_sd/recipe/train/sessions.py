"""Sessions of the long part: the run resumed where it lies, trained in one process on a GPU or two on a CPU."""

from __future__ import annotations

import copy
import os
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

import torch
from torch.multiprocessing.spawn import spawn
from transformers import CLIPTextModel, CLIPTokenizer

from emoji_sd.recipe.data import captions, pictures
from emoji_sd.recipe.data import vocabulary as vocabularies
from emoji_sd.recipe.data.commands import BUILD
from emoji_sd.recipe.data.figures import Figures
from emoji_sd.recipe.train import alignment, cross_attention, denoising, mean_latents, subject_codes, text, unet
from emoji_sd.recipe.train.distributed import HALVES, ProcessGroup
from emoji_sd.recipe.train.fast_cpu import speed_up
from emoji_sd.recipe.train.precision import has_bf16
from emoji_sd.recipe.train.runs import Constant, Cosine, Optimization, Run, Schedule, Session
from engine.models.allocator import keep_freed_memory


def device() -> torch.device:
    """A GPU where there is one."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def dataset() -> tuple[denoising.Dataset, float]:
    """What is learnt from, and the VAE's scaling factor. Raises SystemExit where they are not of today."""
    words = vocabularies.load()
    tokenizer = text.make_tokenizer(captions.words(words), BUILD / "tokenizer")
    if not pictures.is_whole(words, BUILD / "pictures.npy"):
        raise SystemExit("The pictures are not all there: run `python -m emoji_sd data` first.")
    real = pictures.load(words, BUILD / "pictures.npy")
    found, scaling_factor = denoising.dataset(BUILD / "latents.safetensors", real, words, tokenizer)
    if len(found.latents) != len(real.pixels):
        raise SystemExit("The latents are of other pictures: run `python -m emoji_sd latents` again.")
    return found, scaling_factor


def fresh_mean_latents_run(tokenizer: CLIPTokenizer) -> Run:
    """A run of the text encoder that knows nothing yet."""
    torch.manual_seed(0)
    modules = {"text_encoder": text.make_encoder(tokenizer).to(device()), "mean_latents": mean_latents.MeanLatents()}
    modules["mean_latents"].to(device())
    optimization = Optimization(mean_latents.RATE, Cosine(mean_latents.STEPS), muon=mean_latents.MUON)
    return Run(BUILD / "mean-latents", modules, optimization, ema=0.98)


def mean_latents_run(tokenizer: CLIPTokenizer) -> Run:
    """A run of the text encoder, resumed; before its first step, with embeddings that know the figures."""
    run = fresh_mean_latents_run(tokenizer)
    encoder = run.modules["text_encoder"]
    assert isinstance(encoder, CLIPTextModel)
    if not run.resume():
        words = vocabularies.load()
        subject_codes.initialize(
            subject_codes.subject_codes(words, Figures(BUILD / "figures.npy")), encoder, tokenizer, words
        )
    return run


def pretrained_encoder(tokenizer: CLIPTokenizer) -> tuple[CLIPTextModel, mean_latents.MeanLatents]:
    """The text encoder and its mean latents, as pre-training has left them. Raises SystemExit where there is none."""
    run = mean_latents_run(tokenizer)
    if run.step == 0:
        raise SystemExit("The text encoder is not pre-trained yet: run `python -m emoji_sd mean-latents` first.")
    run.use_ema()
    encoder, head = (run.modules[name].eval().requires_grad_(False) for name in ("text_encoder", "mean_latents"))
    assert isinstance(encoder, CLIPTextModel)
    assert isinstance(head, mean_latents.MeanLatents)
    return encoder, head


def alignment_run(tokenizer: CLIPTokenizer) -> tuple[Run, CLIPTextModel]:
    """A run of the text encoder's alignment, resumed or where pre-training stands; and the pre-trained encoder.

    Raises SystemExit where nothing was pre-trained.
    """
    pretrained, _ = pretrained_encoder(tokenizer)
    encoder = copy.deepcopy(pretrained).requires_grad_(True)
    optimization = Optimization(alignment.RATE, Cosine(alignment.STEPS), muon=mean_latents.MUON)
    run = Run(BUILD / "aligned", {"text_encoder": encoder}, optimization, ema=0.9)
    run.resume()
    return run, pretrained


def aligned_encoder(tokenizer: CLIPTokenizer) -> CLIPTextModel:
    """The text encoder as it is shipped: pre-trained and aligned. Raises SystemExit where it isn't yet."""
    run, _ = alignment_run(tokenizer)
    if run.step == 0:
        raise SystemExit("The text encoder is not aligned yet: run `python -m emoji_sd align` first.")
    run.use_ema()
    encoder = run.modules["text_encoder"].eval().requires_grad_(False)
    assert isinstance(encoder, CLIPTextModel)
    return encoder


def unet_run(folder: str, schedule: Schedule) -> Run:
    """A run of the U-Net."""
    torch.manual_seed(0)
    network = unet.make()
    network.to(device(), memory_format=torch.channels_last)
    run = Run(BUILD / folder, {"unet": network}, Optimization(denoising.RATE, schedule, muon=denoising.MUON))
    if device().type == "cpu" and has_bf16(device()):
        speed_up(network)
    return run


def distributed(work: Callable[[ProcessGroup], None]) -> None:
    """Do the work in one process on a GPU, in two on a CPU. `work` can be pickled."""
    if device().type == "cuda":
        work(ProcessGroup())
        return
    with tempfile.TemporaryDirectory() as place:
        spawn(_worker, (Path(place) / "rendezvous", work), nprocs=HALVES)  # type: ignore[no-untyped-call]


def _worker(rank: int, rendezvous: Path, work: Callable[[ProcessGroup], None]) -> None:
    """One of two processes; it ends with the one that was started by hand."""
    end_with_parent()
    keep_freed_memory()
    work(ProcessGroup.join(rank, rendezvous))


def end_with_parent() -> None:
    """An orphan would go on for hours and write over its successor's state."""
    parent = os.getppid()

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(1)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def train_mean_latents(session: Session, group: ProcessGroup) -> None:
    """Resume the pre-training of the text encoder for a session; the first of a group writes."""
    found, _ = dataset()
    run = mean_latents_run(found.tokenizer)
    run.silent = group.rank > 0
    mean_latents.train(found, run, session, device(), group)


def train_cross_attention(session: Session, group: ProcessGroup) -> None:
    """Resume the pre-training of cross-attention for a session; the first of a group writes."""
    found, _ = dataset()
    encoder, head = pretrained_encoder(found.tokenizer)
    run = unet_run("cross-attention", Constant())
    run.silent = group.rank > 0
    if not run.resume():
        cross_attention.initialize(found, encoder, run)
    cross_attention.train(found, encoder, head, run, session, group)


def train_alignment(session: Session, group: ProcessGroup) -> None:
    """Resume the alignment for a session; the first of a group writes."""
    found, _ = dataset()
    run, pretrained = alignment_run(found.tokenizer)
    run.silent = group.rank > 0
    alignment.train(found, pretrained, run, session, device(), group)


def train_unet(folder: str, schedule: Schedule, session: Session, group: ProcessGroup) -> None:
    """Resume a run, or begin it where training or cross-attention stands, for a session; the first of a group writes.

    Raises SystemExit with a sentence where there is nothing to begin from.
    """
    found, _ = dataset()
    run = unet_run(folder, schedule)
    run.silent = group.rank > 0
    if not (run.resume() or run.resume(BUILD / "unet") or run.resume(BUILD / "cross-attention")):
        raise SystemExit("The U-Net has no cross-attention yet: run `python -m emoji_sd cross-attention` first.")
    denoising.train(found, aligned_encoder(found.tokenizer), run, session, group)
