"""The recipe of the embedded model, step by step: `python -m engine.emoji_sd --help`.

    data → vae → latents → sharpen → read → look → tell → teach (as many sittings as you like) → cool
    judge → evaluate → seal → export
    data → evaluate, seal: what ships, judged by the judge that ships
    data → take-up → latents → teach: what ships, taught on without beginning anew

Everything goes on where it stopped. What is not the result lies under build/emoji_sd.
"""

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
from diffusers import AutoencoderKL, StableDiffusionPipeline
from PIL import Image

from engine.emoji_sd import (
    captions,
    evaluate,
    export,
    figures,
    icons,
    judge,
    looking_up,
    looks,
    pictures,
    reading,
    seal,
    sharpen,
    shipped_judge,
    teach,
    telling,
    text,
    unet,
    vae,
)
from engine.emoji_sd import sheet as sheets
from engine.emoji_sd import vocabulary as vocabularies
from engine.emoji_sd.progress import say
from engine.emoji_sd.runs import Constant, Cooling, Cosine, Learning, Run, Sitting
from engine.emoji_sd.sittings import (
    BUILD,
    fresh_reading,
    in_company,
    lesson,
    look_up_for,
    read_for,
    teach_for,
    teaching_run,
    tell_for,
    teller,
    telling_run,
)
from engine.models.heap import keep_freed_memory
from engine.models.machine import Machine

app = typer.Typer(add_completion=False, no_args_is_help=True, help=__doc__)
Minutes = Annotated[float, typer.Option(help="Stop after so many minutes; the next call goes on.")]
VAE_STEPS = 8000


def vae_run() -> Run:
    """The VAE's run, resumed."""
    torch.manual_seed(0)
    run = Run(BUILD / "vae", {"vae": vae.make()}, Learning(2e-3, Cosine(VAE_STEPS)), average=0.99)
    run.resume()
    return run


@app.command()
def data() -> None:
    """Fetch the icon sets with npm, find the subjects, render the figures and draw the real pictures (3 minutes)."""
    if not (BUILD / "node_modules").exists():
        icons.fetch(BUILD)
    words = vocabularies.gather(BUILD)
    vocabularies.write(words)
    say(f"{len(words.subjects)} subjects, {len(words.pairs())} pairs, {len(words.held_out)} held out")
    if not (BUILD / "figures.npy").exists():
        figures.render(words, BUILD, BUILD / "figures.npy")
    if not pictures.is_whole(words, BUILD / "pictures.npy"):
        pictures.render(words, BUILD / "figures.npy", BUILD / "pictures.npy")


@app.command("vae")
def train_vae(minutes: Minutes = math.inf) -> None:
    """Train the VAE (half an hour on two cores)."""
    run = vae_run()
    real = pictures.load(vocabularies.load(), BUILD / "pictures.npy")
    vae.train(real, run, Sitting(VAE_STEPS, minutes))
    run.use_average()
    autoencoder = run.modules["vae"]
    say(f"PSNR on held-out pictures: {vae.psnr(autoencoder, real):.2f} dB")


@app.command()
def latents() -> None:
    """Encode every picture once. What the judge was shown of an older VAE goes."""
    (BUILD / "lessons.safetensors").unlink(missing_ok=True)
    run = vae_run()
    run.use_average()
    real = pictures.load(vocabularies.load(), BUILD / "pictures.npy")
    teach.cache_latents(run.modules["vae"], real, BUILD / "latents.safetensors")


def sharpening() -> tuple[Run, AutoencoderKL]:
    """The run of the VAE's decoder, resumed, and the VAE whose encoder has come to rest."""
    encoded = vae_run()
    if encoded.step == 0:
        raise SystemExit("There is no VAE yet: run `python -m engine.emoji_sd vae` first, or `take-up`.")
    encoded.use_average()
    autoencoder = encoded.modules["vae"]
    assert isinstance(autoencoder, AutoencoderKL)
    learning = Learning(sharpen.RATE, Cosine(sharpen.STEPS), even=sharpen.BY_MUON)
    run = Run(BUILD / "sharpened", {"decoder": autoencoder.decoder}, learning, average=0.99)
    run.resume()
    return run, autoencoder


@app.command("sharpen")
def sharpen_decoder(minutes: Minutes = math.inf) -> None:
    """Train the VAE's decoder on, from the latents as they are (20 minutes). What the judge was shown of it goes."""
    (BUILD / "lessons.safetensors").unlink(missing_ok=True)
    run, autoencoder = sharpening()
    found, scaling_factor = lesson()
    sharpen.sharpen(autoencoder, scaling_factor, found, run, Sitting(sharpen.STEPS, minutes))
    run.use_average()
    say(f"PSNR on held-out pictures: {vae.psnr(autoencoder, found.pictures):.2f} dB")


def finished_vae() -> AutoencoderKL:
    """The VAE as it is shipped: averaged, its decoder sharpened."""
    run, autoencoder = sharpening()
    run.use_average()
    return autoencoder.eval()


@app.command()
def read(minutes: Minutes = math.inf) -> None:
    """Train the text encoder to foretell a caption's mean picture (an hour)."""
    in_company(partial(read_for, Sitting(reading.STEPS, minutes)))


@app.command("look")
def look_up(minutes: Minutes = math.inf) -> None:
    """Train a fresh U-Net to look up what the text encoder has laid out (ten minutes)."""
    in_company(partial(look_up_for, Sitting(looking_up.STEPS, minutes)))


@app.command("tell")
def tell_looks(minutes: Minutes = math.inf) -> None:
    """Train the text encoder to tell looks apart whose mean pictures are alike (a quarter of an hour)."""
    in_company(partial(tell_for, Sitting(telling.STEPS, minutes)))


@app.command("teach")
def teach_model(minutes: Minutes = math.inf, until: int = 1_000_000) -> None:
    """Train the U-Net at an even rate. Stop whenever you like; every sitting makes it better."""
    in_company(partial(teach_for, "taught", Constant(), Sitting(until, minutes)))


@app.command()
def cool(steps: int = 2500) -> None:
    """From where teaching stands, let the learning rate fall to zero over some steps: this brings sharp edges."""
    state = BUILD / "taught" / "state.json"
    if not state.exists():
        raise SystemExit("Nothing is taught yet: run `python -m engine.emoji_sd teach` first.")
    taught = json.loads(state.read_text())["step"]
    cooled = BUILD / "cooled" / "state.json"
    begun = None
    if cooled.with_name("begun.json").exists():
        begun = json.loads(cooled.with_name("begun.json").read_text())
    if begun is None or begun["from"] != taught:
        begun = {"from": taught, "until": taught + steps}
        cooled.parent.mkdir(parents=True, exist_ok=True)
        cooled.unlink(missing_ok=True)
        cooled.with_name("begun.json").write_text(json.dumps(begun))
    schedule, sitting = Cooling(begun["from"], begun["until"]), Sitting(begun["until"])
    in_company(partial(teach_for, "cooled", schedule, sitting))


@app.command("take-up")
def take_up() -> None:
    """Begin where the weights in the repository stand: VAE and text encoder as finished, the U-Net as never cooled."""
    begun = [name for name in ("vae", "sharpened", "read", "told", "taught") if (BUILD / name / "state.json").exists()]
    if begun:
        raise SystemExit(f"{BUILD} has runs of its own ({', '.join(begun)}): move them away first.")
    words, shipped = vocabularies.load(), export.load()
    vae_run().begin_from({"vae": shipped.vae}, VAE_STEPS)
    sharpening()[0].begin_from({"decoder": shipped.vae.decoder}, sharpen.STEPS)
    tokenizer = text.make_tokenizer(captions.words(words), BUILD / "tokenizer")
    fresh_reading(tokenizer).begin_from({"text_encoder": shipped.text_encoder}, reading.STEPS)
    telling_run(tokenizer)[0].begin_from({"text_encoder": shipped.text_encoder}, telling.STEPS)
    teaching_run("taught", Constant()).begin_from({"unet": shipped.unet}, 0)
    say(f"{BUILD} stands where the weights do. Next: latents, then teach.")


@app.command("judge")
def train_judge(minutes: Minutes = math.inf) -> None:
    """Train the judge on real pictures, print its own accuracy on pictures it never saw, and put it where it ships."""
    words = vocabularies.load()
    run, lessons = judge_run(words)
    judge.train(lessons, run, Sitting(judge.STEPS, minutes))
    run.use_average()
    trained = run.modules["judge"]
    assert isinstance(trained, judge.Judge)
    accuracy = {
        "judge": evaluate.grade_judge(trained, lessons),
        "judge, after the VAE": evaluate.grade_judge(trained, lessons, coded=True),
    }
    say(_json(accuracy))
    if run.step >= judge.STEPS:
        shipped_judge.write(trained, words, accuracy)


def judge_lessons(words: vocabularies.Vocabulary) -> judge.Lessons:
    """What the judge learns from."""
    unseen = pictures.unseen(words, BUILD / "figures.npy")
    return judge.lessons_of(pictures.load(words, BUILD / "pictures.npy").looks_alone, unseen, finished_vae())


def judge_run(words: vocabularies.Vocabulary) -> tuple[Run, judge.Lessons]:
    """The judge's run, resumed, and its lessons."""
    lessons = judge.kept(BUILD / "lessons.safetensors", partial(judge_lessons, words))
    torch.manual_seed(0)
    classifier = judge.Judge(len(words.looks) + 1, len(words.subjects))
    run = Run(BUILD / "judge", {"judge": classifier}, Learning(3e-3, Cosine(judge.STEPS)), average=0.0)
    run.resume()
    return run, lessons


def assemble(folder: str) -> StableDiffusionPipeline:
    """The pipeline of a run's averaged weights, in fp32."""
    found, scaling_factor = lesson()
    run = teaching_run(folder, Constant())
    run.resume()
    run.use_average()
    plain = unet.make()
    plain.load_state_dict(run.modules["unet"].state_dict())
    parts = finished_vae(), scaling_factor, found.tokenizer, teller(found.tokenizer), plain
    return export.pipeline(*parts)


@app.command("export")
def export_weights(run: str = "cooled") -> None:
    """Write the weights in fp16 into engine/emoji_sd/weights."""
    size = export.export(assemble(run))
    say(f"{size / 1e6:.1f} MB")


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
    referee, found = shipped_judge.load(words)
    real = pictures.load(words, BUILD / "pictures.npy").looks_alone
    copies = evaluate.Copies(real)
    pipeline = assemble(run) if run else export.load()
    say(f"PSNR on held-out pictures: {vae.psnr(pipeline.vae, real):.2f} dB")
    for name, held_out in (("trained pairs", False), ("held-out pairs", True)):
        asked = evaluate.ask(words, amount, held_out=held_out, manner=manner)
        drawn = evaluate.draw(pipeline, asked.captions(words))
        found[name] = evaluate.grade(referee, drawn, asked, copies.share(drawn))
        for line in evaluate.by_look(referee, drawn, asked, words):
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
    trial = seal.Trial.of(words, palette, amount)
    referee, _ = shipped_judge.load(words)
    machine = Machine.load(weights, device="cpu")
    begun = time.monotonic()
    loop = seal.train(machine, words, figures.Figures(BUILD / "figures.npy"), trial)
    seconds = time.monotonic() - begun
    grades, drawn = seal.grade(machine, loop, referee, words, trial)
    typer.echo(json.dumps({"seconds of training": round(seconds, 1), **asdict(grades)}, indent=2))
    Image.fromarray(_wall(drawn)).save(BUILD / "seal.png")


def _json(grades: dict[str, evaluate.Grades]) -> str:
    return json.dumps({name: asdict(one) for name, one in grades.items()}, indent=2)


def _wall(drawn: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """Ninety-six pictures as twelve columns."""
    rows = [np.concatenate(list(drawn[i : i + 12]), 1) for i in range(0, len(drawn) - 11, 12)]
    return np.concatenate(rows, 0)


if __name__ == "__main__":
    keep_freed_memory()
    torch.set_num_threads(2)
    app()
