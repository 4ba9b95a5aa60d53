"""Commands that train the judge, let it grade pictures and seals, and draw the sheets."""

from __future__ import annotations

import json
import math
import time
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Annotated

import numpy as np
import numpy.typing as npt
import torch
import typer
from PIL import Image

from emoji_sd.recipe.data import captions, figures, looks, pictures
from emoji_sd.recipe.data import vocabulary as vocabularies
from emoji_sd.recipe.data.commands import BUILD
from emoji_sd.recipe.judge import evaluate, judge, seal, shipped
from emoji_sd.recipe.judge import sheet as sheets
from emoji_sd.recipe.progress import say
from emoji_sd.recipe.train import export, vae
from emoji_sd.recipe.train.assemble import assemble
from emoji_sd.recipe.train.runs import Cosine, Optimization, Run, Session
from emoji_sd.recipe.train.vae_runs import finished_vae
from engine.models.loading import load_model

app = typer.Typer()
Minutes = Annotated[float, typer.Option(help="Stop after so many minutes; the next call resumes.")]


@app.command("judge")
def train_judge(minutes: Minutes = math.inf) -> None:
    """Train the judge on real pictures, print its own accuracy on pictures it never saw, and put it where it ships."""
    words = vocabularies.load()
    run, examples = judge_run(words)
    judge.train(examples, run, Session(judge.STEPS, minutes))
    run.use_ema()
    trained = run.modules["judge"]
    assert isinstance(trained, judge.Judge)
    accuracy = {
        "judge": evaluate.grade_judge(trained, examples),
        "judge, after the VAE": evaluate.grade_judge(trained, examples, coded=True),
    }
    say(_json(accuracy))
    if run.step >= judge.STEPS:
        shipped.write(trained, words, accuracy)


def judge_dataset(words: vocabularies.Vocabulary) -> judge.JudgeDataset:
    """What the judge is trained on."""
    unseen = pictures.unseen(words, BUILD / "figures.npy")
    return judge.dataset_of(pictures.load(words, BUILD / "pictures.npy").looks_alone, unseen, finished_vae())


def judge_run(words: vocabularies.Vocabulary) -> tuple[Run, judge.JudgeDataset]:
    """The judge's run, resumed, and its dataset."""
    examples = judge.kept(BUILD / "judge.safetensors", partial(judge_dataset, words))
    torch.manual_seed(0)
    classifier = judge.Judge(len(words.looks) + 1, len(words.subjects))
    run = Run(BUILD / "judge", {"judge": classifier}, Optimization(3e-3, Cosine(judge.STEPS)), ema=0.0)
    run.resume()
    return run, examples


@app.command("sheet")
def draw_sheet(path: Path = sheets.FILE, run: str = "") -> None:
    """Draw the sheet of subjects and looks, from the exported weights or from a run."""
    words = vocabularies.load()
    pipeline = assemble(run) if run else export.load()
    grounds = list(words.grounds)
    prompts = [
        captions.caption(subject, look.words, grounds[(5 * r + c) % len(grounds)])
        for r, subject in enumerate(sheets.SUBJECTS)
        for c, look in enumerate(words.looks)
    ]
    drawn = evaluate.draw(pipeline, prompts)
    sheets.sheet(drawn, sheets.SUBJECTS, [look.words for look in words.looks]).save(path)


@app.command("real-sheet")
def draw_real_sheet(path: Path) -> None:
    """The same sheet with real pictures, to see what is aimed at."""
    words = vocabularies.load()
    figure = figures.Figures(BUILD / "figures.npy")
    named = [subject.words for subject in words.subjects]
    grounds = list(words.grounds)
    drawn = [
        looks.draw(
            figure(named.index(subject), look.source),
            look,
            grounds[(5 * r + c) % len(grounds)],
            np.random.default_rng((r, c)),
            centred=True,
        )
        for r, subject in enumerate(sheets.SUBJECTS)
        for c, look in enumerate(words.looks)
    ]
    sheets.sheet(np.stack(drawn), sheets.SUBJECTS, [look.words for look in words.looks]).save(path)


@app.command("evaluate")
def evaluate_model(amount: int = 400, run: str = "", manner: str = "") -> None:
    """Print how near the VAE comes, draw trained and held-out pairs and print what the judge says of them, as JSON.

    The judge has seen no manner: of pictures in one, what it says of subjects is worth more than what it says of looks.
    """
    if manner not in looks.MANNERS:
        raise SystemExit(f"Manners are: {', '.join(filter(None, looks.MANNERS))}.")
    words = vocabularies.load()
    classifier, found = shipped.load(words)
    real = pictures.load(words, BUILD / "pictures.npy").looks_alone
    copies = evaluate.Copies(real)
    pipeline = assemble(run) if run else export.load()
    say(f"PSNR on held-out pictures: {vae.psnr(pipeline.vae, real):.2f} dB")
    for name, held_out in (("trained pairs", False), ("held-out pairs", True)):
        asked = evaluate.ask(words, amount, held_out=held_out, manner=manner)
        drawn = evaluate.draw(pipeline, asked.captions(words))
        found[name] = evaluate.grade(classifier, drawn, asked, copies.share(drawn))
        for line in evaluate.by_look(classifier, drawn, asked, words):
            say(f"{name}, {line}")
        rows = "trained" if name == "trained pairs" else "held out"
        Image.fromarray(_wall(drawn[:96])).save(BUILD / f"drawn {rows}.png")
    typer.echo(_json(found))


@app.command("seal")
def evaluate_seal(palette: int = 0, amount: int = 96, weights: str = "emoji") -> None:
    """Train a fast-preset seal on 18 openmoji pictures and print how its look and its subjects come out, as JSON.

    The preset was chosen on palettes 0 to 2; any other number is subjects by chance that nobody looked at.
    """
    words = vocabularies.load()
    trial = seal.SealTrial.of(words, palette, amount)
    classifier, _ = shipped.load(words)
    machine = load_model(weights, device="cpu")
    started = time.monotonic()
    loop = seal.train(machine, words, figures.Figures(BUILD / "figures.npy"), trial)
    seconds = time.monotonic() - started
    grades, drawn = seal.grade(machine, loop, classifier, words, trial)
    typer.echo(json.dumps({"seconds of training": round(seconds, 1), **asdict(grades)}, indent=2))
    Image.fromarray(_wall(drawn)).save(BUILD / "seal.png")


def _json(grades: dict[str, evaluate.Grades]) -> str:
    return json.dumps({name: asdict(one) for name, one in grades.items()}, indent=2)


def _wall(drawn: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """Ninety-six pictures as twelve columns."""
    rows = [np.concatenate(list(drawn[i : i + 12]), 1) for i in range(0, len(drawn) - 11, 12)]
    return np.concatenate(rows, 0)
