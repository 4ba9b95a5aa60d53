"""Sittings of the long part: the run taken up where it lies, taught in one process on a GPU or two on a CPU."""

from __future__ import annotations

import os
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

import torch
from torch import nn
from torch.multiprocessing.spawn import spawn
from transformers import CLIPTokenizer

from engine.emoji_sd import captions, pictures, reading, teach, text, unet
from engine.emoji_sd import vocabulary as vocabularies
from engine.emoji_sd.fast_cpu import quicken
from engine.emoji_sd.runs import Cosine, Learning, Run, Schedule, Sitting
from engine.emoji_sd.together import HALVES, Team

BUILD = Path("build/emoji_sd")


def device() -> torch.device:
    """A GPU where there is one."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def lesson() -> tuple[teach.Lesson, float]:
    """What is learnt from, and the VAE's scaling factor."""
    words = vocabularies.load()
    tokenizer = text.make_tokenizer(captions.words(words), BUILD / "tokenizer")
    real = pictures.load(words, BUILD / "pictures.npy")
    return teach.lesson(BUILD / "latents.safetensors", real, words, tokenizer)


def reading_run(tokenizer: CLIPTokenizer) -> Run:
    """A run of text encoder and pooled text path, resumed."""
    torch.manual_seed(0)
    modules = {"text_encoder": text.make_encoder(tokenizer), "foretelling": reading.Foretelling(unet.make())}
    for module in modules.values():
        module.to(device())
    run = Run(BUILD / "read", modules, Learning(reading.RATE, Cosine(reading.STEPS)), average=0.98)
    run.resume()
    return run


def teaching_run(folder: str, schedule: Schedule, tokenizer: CLIPTokenizer) -> Run:
    """A run of text encoder and U-Net; before its first sitting, with what reading has left."""
    torch.manual_seed(0)
    encoder, network = text.make_encoder(tokenizer), unet.make()
    if (BUILD / "read" / "state.json").exists():
        read = reading_run(tokenizer)
        read.use_average()
        encoder.load_state_dict(read.modules["text_encoder"].state_dict())
        network.add_embedding.load_state_dict(read.modules["foretelling"].pooling.state_dict())  # type: ignore[union-attr]
    encoder.to(device())
    network.to(device(), memory_format=torch.channels_last)
    modules: dict[str, nn.Module] = {"text_encoder": encoder, "unet": network}
    run = Run(BUILD / folder, modules, Learning(teach.RATE, schedule, teach.ALREADY_READ, teach.BY_MUON))
    if device().type == "cpu":
        quicken(network)
    return run


def in_company(work: Callable[[Team], None]) -> None:
    """Do the work in one process on a GPU, in two on a CPU. `work` can be pickled."""
    if device().type == "cuda":
        work(Team())
        return
    with tempfile.TemporaryDirectory() as place:
        spawn(_in_team, (Path(place) / "meeting", work), nprocs=HALVES)  # type: ignore[no-untyped-call]


def _in_team(rank: int, meeting: Path, work: Callable[[Team], None]) -> None:
    """One of two processes; it ends with the one that was started by hand."""
    end_with_parent()
    work(Team.join(rank, meeting))


def end_with_parent() -> None:
    """An orphan would go on for hours and write over its successor's state."""
    parent = os.getppid()

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(1)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def read_for(sitting: Sitting, team: Team) -> None:
    """Take the reading up for a sitting; the first of a team writes."""
    found, _ = lesson()
    run = reading_run(found.tokenizer)
    run.silent = team.rank > 0
    reading.read(found, run, sitting, device(), team)


def teach_for(folder: str, schedule: Schedule, shift: float, sitting: Sitting, team: Team) -> None:
    """Take a run up, or begin it where teaching stands, for a sitting; the first of a team writes."""
    found, _ = lesson()
    run = teaching_run(folder, schedule, found.tokenizer)
    run.silent = team.rank > 0
    if not run.resume():
        run.resume(BUILD / "taught")
    teach.teach(found, run, sitting, device(), team, shift)
