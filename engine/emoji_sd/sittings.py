"""Sittings of the long part: the run taken up where it lies, taught in one process on a GPU or two on a CPU."""

from __future__ import annotations

import os
import tempfile
import threading
import time
from pathlib import Path

import torch
from torch import nn
from torch.multiprocessing.spawn import spawn

from engine.emoji_sd import captions, pictures, teach, text, unet
from engine.emoji_sd import vocabulary as vocabularies
from engine.emoji_sd.fast_cpu import quicken
from engine.emoji_sd.runs import Run, Schedule, Sitting
from engine.emoji_sd.together import HALVES, Team

BUILD = Path("build/emoji_sd")


def device() -> torch.device:
    """A GPU where there is one."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def teaching_run(folder: str, schedule: Schedule) -> tuple[Run, teach.Lesson, float]:
    """A run of text encoder and U-Net, its lesson, and the VAE's scaling factor."""
    words = vocabularies.load()
    tokenizer = text.make_tokenizer(captions.words(words), BUILD / "tokenizer")
    torch.manual_seed(0)
    modules: dict[str, nn.Module] = {"text_encoder": text.make_encoder(tokenizer), "unet": unet.make()}
    for module in modules.values():
        module.to(device())
    modules["unet"].to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    run = Run(BUILD / folder, modules, rate=teach.RATE, schedule=schedule)
    if device().type == "cpu":
        quicken(modules["unet"])
    real = pictures.load(words, BUILD / "pictures.npy")
    lesson, scaling_factor = teach.lesson(BUILD / "latents.safetensors", real, words, tokenizer)
    return run, lesson, scaling_factor


def in_company(folder: str, schedule: Schedule, sitting: Sitting) -> None:
    """`teach_alone` in one process on a GPU, in two on a CPU."""
    if device().type == "cuda":
        teach_alone(Team(), folder, schedule, sitting)
        return
    with tempfile.TemporaryDirectory() as place:
        meeting = Path(place) / "meeting"
        spawn(teach_in_team, (meeting, folder, schedule, sitting), nprocs=HALVES)  # type: ignore[no-untyped-call]


def end_with_parent() -> None:
    """An orphan would go on for hours and write over its successor's state."""
    parent = os.getppid()

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(1)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def teach_in_team(rank: int, meeting: Path, folder: str, schedule: Schedule, sitting: Sitting) -> None:
    """One of two processes; it ends with the one that was started by hand."""
    end_with_parent()
    teach_alone(Team.join(rank, meeting), folder, schedule, sitting)


def teach_alone(team: Team, folder: str, schedule: Schedule, sitting: Sitting) -> None:
    """Take the run up and teach for a sitting; the first of a team writes."""
    run, lesson, _ = teaching_run(folder, schedule)
    run.silent = team.rank > 0
    if not run.resume() and folder != "taught":
        run.resume(BUILD / "taught")
    teach.teach(lesson, run, sitting, device(), team)
