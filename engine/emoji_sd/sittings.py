"""Sittings of the long part: the run taken up where it lies, taught in one process on a GPU or two on a CPU."""

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

from engine.emoji_sd import captions, codes, looking_up, pictures, reading, teach, telling, text, unet
from engine.emoji_sd import vocabulary as vocabularies
from engine.emoji_sd.fast_cpu import quicken
from engine.emoji_sd.figures import Figures
from engine.emoji_sd.precision import has_bf16
from engine.emoji_sd.runs import Constant, Cosine, Learning, Run, Schedule, Sitting
from engine.emoji_sd.together import HALVES, Team
from engine.models.heap import keep_freed_memory

BUILD = Path("build/emoji_sd")


def device() -> torch.device:
    """A GPU where there is one."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def lesson() -> tuple[teach.Lesson, float]:
    """What is learnt from, and the VAE's scaling factor. Raises SystemExit where they are not of today."""
    words = vocabularies.load()
    tokenizer = text.make_tokenizer(captions.words(words), BUILD / "tokenizer")
    if not pictures.is_whole(words, BUILD / "pictures.npy"):
        raise SystemExit("The pictures are not all there: run `python -m engine.emoji_sd data` first.")
    real = pictures.load(words, BUILD / "pictures.npy")
    found, scaling_factor = teach.lesson(BUILD / "latents.safetensors", real, words, tokenizer)
    if len(found.latents) != len(real.pixels):
        raise SystemExit("The latents are of other pictures: run `python -m engine.emoji_sd latents` again.")
    return found, scaling_factor


def fresh_reading(tokenizer: CLIPTokenizer) -> Run:
    """A run of the text encoder that knows nothing yet."""
    torch.manual_seed(0)
    modules = {"text_encoder": text.make_encoder(tokenizer).to(device()), "foretelling": reading.Foretelling()}
    modules["foretelling"].to(device())
    learning = Learning(reading.RATE, Cosine(reading.STEPS), even=reading.BY_MUON)
    return Run(BUILD / "read", modules, learning, average=0.98)


def reading_run(tokenizer: CLIPTokenizer) -> Run:
    """A run of the text encoder, resumed; before its first step, with embeddings that know the figures."""
    run = fresh_reading(tokenizer)
    encoder = run.modules["text_encoder"]
    assert isinstance(encoder, CLIPTextModel)
    if not run.resume():
        words = vocabularies.load()
        codes.begin_with(codes.subject_codes(words, Figures(BUILD / "figures.npy")), encoder, tokenizer, words)
    return run


def readers(tokenizer: CLIPTokenizer) -> tuple[CLIPTextModel, reading.Foretelling]:
    """The text encoder and its foretelling, as reading has left them. Raises SystemExit where nothing was read."""
    run = reading_run(tokenizer)
    if run.step == 0:
        raise SystemExit("The text encoder has not read yet: run `python -m engine.emoji_sd read` first.")
    run.use_average()
    encoder, foretelling = (run.modules[name].eval().requires_grad_(False) for name in ("text_encoder", "foretelling"))
    assert isinstance(encoder, CLIPTextModel)
    assert isinstance(foretelling, reading.Foretelling)
    return encoder, foretelling


def telling_run(tokenizer: CLIPTokenizer) -> tuple[Run, CLIPTextModel]:
    """A run of the text encoder that tells looks, resumed or where reading stands; and the encoder that has read.

    Raises SystemExit where nothing was read.
    """
    read, _ = readers(tokenizer)
    encoder = copy.deepcopy(read).requires_grad_(True)
    learning = Learning(telling.RATE, Cosine(telling.STEPS), even=reading.BY_MUON)
    run = Run(BUILD / "told", {"text_encoder": encoder}, learning, average=0.9)
    run.resume()
    return run, read


def teller(tokenizer: CLIPTokenizer) -> CLIPTextModel:
    """The text encoder as it is shipped: it has read, and tells looks. Raises SystemExit where it doesn't yet."""
    run, _ = telling_run(tokenizer)
    if run.step == 0:
        raise SystemExit("The text encoder tells no looks yet: run `python -m engine.emoji_sd tell` first.")
    run.use_average()
    encoder = run.modules["text_encoder"].eval().requires_grad_(False)
    assert isinstance(encoder, CLIPTextModel)
    return encoder


def teaching_run(folder: str, schedule: Schedule) -> Run:
    """A run of the U-Net."""
    torch.manual_seed(0)
    network = unet.make()
    network.to(device(), memory_format=torch.channels_last)
    run = Run(BUILD / folder, {"unet": network}, Learning(teach.RATE, schedule, even=teach.BY_MUON))
    if device().type == "cpu" and has_bf16(device()):
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
    keep_freed_memory()
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


def look_up_for(sitting: Sitting, team: Team) -> None:
    """Take the looking up up for a sitting; the first of a team writes."""
    found, _ = lesson()
    encoder, foretelling = readers(found.tokenizer)
    run = teaching_run("looked", Constant())
    run.silent = team.rank > 0
    if not run.resume():
        looking_up.begin(found, encoder, run)
    looking_up.look_up(found, encoder, foretelling, run, sitting, team)


def tell_for(sitting: Sitting, team: Team) -> None:
    """Take the telling up for a sitting; the first of a team writes."""
    found, _ = lesson()
    run, read = telling_run(found.tokenizer)
    run.silent = team.rank > 0
    telling.tell(found, read, run, sitting, device(), team)


def teach_for(folder: str, schedule: Schedule, sitting: Sitting, team: Team) -> None:
    """Take a run up, or begin it where teaching or looking up stands, for a sitting; the first of a team writes.

    Raises SystemExit with a sentence where there is nothing to begin from.
    """
    found, _ = lesson()
    run = teaching_run(folder, schedule)
    run.silent = team.rank > 0
    if not (run.resume() or run.resume(BUILD / "taught") or run.resume(BUILD / "looked")):
        raise SystemExit("The U-Net has not looked anything up yet: run `python -m engine.emoji_sd look` first.")
    teach.teach(found, teller(found.tokenizer), run, sitting, team)
