"""Step 8's files: the LoRA, the dataset and the card to take home. Told of on whatever quest one is."""

from __future__ import annotations

from dataclasses import replace
from pathlib import PurePath

from bot.rules.estimate import UPLOAD_BYTES
from bot.screens import Document, Notice, Row, Screen
from bot.steps import status
from bot.steps.actions import Good, does, one_of
from bot.steps.moves import Event
from bot.steps.step import JobHooks, Messages
from bot.steps.walk import Turn, Walk
from bot.taps import Verb
from storage.records import Job, Picture, Seal
from storage.requests import CardFacts, ExportAnswer, ExportRequest, TrainingRequest, read_answer, read_request
from storage.states import ExportKind, JobKind

LORAS = {"kohya": ExportKind.LORA_KOHYA, "diffusers": ExportKind.LORA_DIFFUSERS}  # by the button's argument
CARD_CAPTIONS = 3  # examples of them in a model card
DORA = ".dora"  # ends the keys of what is said otherwise of a DoRA


async def seal_of(walk: Walk) -> Seal | None:
    """The seal that was picked last."""
    return await walk.store.seals.find(walk.here.seal) if walk.here.seal else None


async def show(walk: Walk) -> Screen:
    """What each file is for."""
    seal = await seal_of(walk)
    dora = DORA if seal is not None and seal.recipe.use_dora else ""
    rows: tuple[Row, ...] = (
        (walk.button("take.lora.kohya" + dora, Verb.TAKE_LORA, "kohya"),),
        (walk.button("take.lora.diffusers", Verb.TAKE_LORA, "diffusers"),),
        (walk.button("take.dataset", Verb.TAKE_DATASET), walk.button("take.card", Verb.TAKE_CARD)),
        walk.way_back(),
    )
    return Screen(text=walk.words("take.ask" + dora, trigger=walk.here.style.trigger), rows=rows)


async def lora_taken(walk: Walk, kind: str = "") -> Turn:
    """The LoRA as kohya's tools and as diffusers read it, or as only one of the two does, and a learnt word."""
    asked = [LORAS[kind]] if kind else LORAS.values()
    return await _take(walk, *asked, ExportKind.EMBEDDINGS)


async def dataset_taken(walk: Walk) -> Turn:
    """Pictures and captions as a zip."""
    return await _take(walk, ExportKind.DATASET)


async def card_taken(walk: Walk) -> Turn:
    """The card, the recipe and the proof sheet."""
    return await _take(walk, ExportKind.CARD)


async def opened(walk: Walk) -> Turn:
    """What each file is for, one button each."""
    await walk.move(Event.TAKE)
    return Turn()


async def _take(walk: Walk, *whats: ExportKind) -> Turn:
    seal = await seal_of(walk)
    if seal is None:
        return walk.refuses("try.no_seal")
    for what in (what for what in whats if _has(seal, what)):
        await walk.ask(await _take_request(walk, seal, what), key=f"take:{walk.here.id}:{seal.id}:{what}")
    return Turn(toast=walk.words.plain("take.coming"), screen=False)


def _has(seal: Seal, what: ExportKind) -> bool:
    """Textual inversion alone makes no LoRA, and only a seal with new tokens has a word of its own."""
    if what is ExportKind.EMBEDDINGS:
        return seal.recipe.new_tokens > 0
    return seal.recipe.lora or what not in LORAS.values()


async def _take_request(walk: Walk, seal: Seal, what: ExportKind) -> ExportRequest:
    samples = await _proofs(walk, seal)
    return replace(
        await lora_request(walk, seal),
        what=what,
        sheets=tuple(picture.file for picture in samples),
        prompts=tuple(picture.prompt for picture in samples),
        card=await _card_facts(walk, seal) if what is ExportKind.CARD else None,
        drawing=walk.here.style.drawing,
    )


async def lora_request(walk: Walk, seal: Seal) -> ExportRequest:
    """Asks for the file that other programs load. All of it is the training's own: the same file whenever it is asked
    for, also after the palette has changed."""
    job = await walk.store.queue.find(seal.job)
    trained = read_request(job.request) if job else None
    assert isinstance(trained, TrainingRequest)
    return ExportRequest(
        what=ExportKind.LORA_KOHYA,
        name=trained.name,
        trigger=seal.trigger,
        recipe=seal.recipe,
        pictures=trained.pictures,
        adapter=seal.adapter,
        step=seal.step,
    )


async def _proofs(walk: Walk, seal: Seal) -> list[Picture]:
    """What the picked checkpoint drew of subjects outside the palette."""
    return [picture for picture in await walk.store.pictures.of_job(seal.job) if picture.step == seal.step]


async def _card_facts(walk: Walk, seal: Seal) -> CardFacts:
    palette, checkpoints = await walk.palette(), await walk.store.trainings.checkpoints(seal.job)
    return CardFacts(
        modifiers=walk.here.style.modifiers,
        boosters=walk.here.style.boosters,
        pictures=len(palette),
        captions=tuple(candidate.caption for candidate in palette[:CARD_CAPTIONS]),
        checkpoint=next((checkpoint for checkpoint in checkpoints if checkpoint.step == seal.step), None),
    )


async def on_done(walk: Walk, job: Job) -> Messages:
    """The file as a document, or why it cannot be sent."""
    answer, request = read_answer(JobKind.EXPORT, job.answer or ""), read_request(job.request)
    assert isinstance(answer, ExportAnswer)
    assert isinstance(request, ExportRequest)
    if answer.size_bytes > UPLOAD_BYTES:
        return (Notice(text=walk.words("take.too_large", filename=answer.filename)),)
    # Other programs call a learnt word by its file.
    said = PurePath(answer.filename).stem if request.what is ExportKind.EMBEDDINGS else request.trigger
    text = walk.words(f"take.{_about(request)}.about", trigger=said)
    return (Document(file=answer.file, filename=answer.filename, text=text),)


def _about(request: ExportRequest) -> str:
    """Under what its words are found: programs read a DoRA in kohya's keys by different rules."""
    if request.what is ExportKind.LORA_KOHYA and request.recipe.use_dora:
        return f"{request.what}{DORA}"
    return request.what


async def on_failed(walk: Walk, job: Job) -> Messages:
    """Why nothing came; the seal is where it was."""
    return (Notice(text=status.sentence(walk, job)),)


HOOKS = JobHooks(on_done=on_done, on_failed=on_failed, has_status=False)
TAPS = {
    Verb.TAKE_OPEN: does(opened),
    Verb.TAKE_LORA: does(lora_taken, one_of(*LORAS), optional=True, good=Good.STEP),
    Verb.TAKE_DATASET: does(dataset_taken, good=Good.STEP),
    Verb.TAKE_CARD: does(card_taken, good=Good.STEP),
}
