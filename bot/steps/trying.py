"""Step 8: the seal on any prompt, at any strength, with and without. What goes home is asked for in taking.py."""

from __future__ import annotations

from dataclasses import replace

from bot.rules import prompt
from bot.rules.rows import sealed_row
from bot.rules.subjects import outside
from bot.screens import Cell, PictureSource, Row, Screen, Sheet, Shown
from bot.steps import status, taking
from bot.steps.actions import Good, does, one_of
from bot.steps.step import JobHooks, Messages, QuestStep
from bot.steps.taking import lora_request, seal_of
from bot.steps.walk import Turn, Walk
from bot.taps import Verb
from storage.errors import QuotaReached
from storage.records import Job, Seal, Seed
from storage.requests import TryRequest, read_request
from storage.states import JobKind, JobState, Layout, PaletteKind, Stage

STRENGTHS = ("0.6", "0.8", "1.0")
SWEEP = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0, 1.2)
PAIR_SUBJECTS = 4
SEED = 42  # the same for every trial of a quest, so that only what was changed changes


async def on_enter(walk: Walk) -> Messages:
    """The first thing a person sees of a new seal: without | with, one seed, four subjects it never saw."""
    seal = await seal_of(walk)
    if seal is None or walk.here.stage is not Stage.TRY:
        return ()
    key = f"pair:{walk.here.id}:{seal.id}"
    if any(job.key == key for job in await walk.store.queue.of_quest(walk.here.id, JobKind.TRYING)):
        return ()
    palette = [candidate.picture.subject for candidate in await walk.palette()]
    subjects = outside(walk.library.subjects[PaletteKind.STYLE], palette, PAIR_SUBJECTS)
    try:
        job = await walk.ask(await _pair(walk, seal, subjects), key=key)
    except QuotaReached:  # the pair is a present; the person may ask for it later by its button
        return ()
    return (await status.live(walk, job),)


async def _pair(walk: Walk, seal: Seal, subjects: tuple[str, ...]) -> TryRequest:
    rows = tuple(
        sealed_row(
            subject,
            seal.trigger,
            Seed(SEED + index),
            walk.here.style.drawing,
            adapter=seal.adapter,
            weight=weight,
        )
        for index, subject in enumerate(subjects)
        for weight in (0.0, walk.here.seal_strength)
    )
    return TryRequest(rows=rows, layout=Layout.PAIR, columns=2, loras=(await lora_request(walk, seal),))


async def show(walk: Walk) -> Screen:
    """The newest trial with everything that can be done next, or what each file to take home is for."""
    if walk.here.stage is Stage.TAKE:
        return await taking.show(walk)
    jobs = await walk.store.queue.of_quest(walk.here.id, JobKind.TRYING)
    newest = next((job for job in jobs if job.state is JobState.DONE), None)
    picture = await _laid_out(walk, newest) if newest else None
    return _screen(walk, picture)


def _screen(walk: Walk, picture: PictureSource | None, about: str = "") -> Screen:
    quest = walk.here
    strengths = tuple(
        walk.labelled(f"{'✓ ' if float(value) == quest.seal_strength else ''}{value}", Verb.TRY_STRENGTH, value)
        for value in STRENGTHS
    )
    rows: tuple[Row, ...] = (
        strengths,
        (walk.button("try.sweep", Verb.TRY_SWEEP), walk.button("try.compare", Verb.TRY_COMPARE)),
        (walk.button("take.lora", Verb.TAKE_LORA, look="success"),),
        (walk.button("take.dataset", Verb.TAKE_DATASET), walk.button("take.card", Verb.TAKE_CARD)),
        (walk.button("seal.choice", Verb.SEAL_CHOICE), walk.button("take.open", Verb.TAKE_OPEN)),
        walk.way_back(),
    )
    text = walk.words("try.ask", trigger=quest.style.trigger, strength=f"{quest.seal_strength:g}")
    return Screen(text=f"{about}\n\n{text}" if about else text, picture=picture, rows=rows)


async def _laid_out(walk: Walk, job: Job) -> PictureSource | None:
    request = read_request(job.request)
    pictures = await walk.store.pictures.of_job(job.id)
    if not pictures or not isinstance(request, TryRequest):
        return None
    if request.layout is Layout.SINGLE:
        return Shown(file=pictures[0].file)
    drawn = {picture.position: picture.file for picture in pictures}
    labels = [row.label for row in request.rows]
    if request.layout is Layout.SWEEP:
        cells = tuple(Cell(file=drawn.get(index), label=label) for index, label in enumerate(labels))
        return Sheet(cells=cells, columns=4)
    headings = (walk.words.plain("try.without"), walk.words.plain("try.with"))
    return Sheet(
        cells=tuple(Cell(file=drawn.get(index)) for index in range(len(labels))),
        columns=2,
        column_labels=headings,
        row_labels=tuple(row.subject for row in request.rows[::2]),
    )


async def _last_subject(walk: Walk) -> str:
    """What was last tried by its own words; the hunt's subject before anything was."""
    for job in await walk.store.queue.of_quest(walk.here.id, JobKind.TRYING):
        request = read_request(job.request)
        if isinstance(request, TryRequest) and (request.layout is not Layout.PAIR or len(request.rows) == 2):
            return request.rows[0].subject
    return walk.here.subject


async def _try(walk: Walk, subject: str, weights: tuple[float, ...], layout: Layout) -> Turn:
    seal = await seal_of(walk)
    if seal is None:
        return walk.refuses("try.no_seal")
    rows = tuple(
        sealed_row(subject, seal.trigger, Seed(SEED), walk.here.style.drawing, adapter=seal.adapter, weight=weight)
        for weight in weights
    )
    loras = (await lora_request(walk, seal),)
    job = await walk.ask(TryRequest(rows=rows, layout=layout, columns=len(rows), loras=loras))
    return Turn(messages=(await status.live(walk, job),), screen=False)


async def strength_chosen(walk: Walk, strength: str) -> Turn:
    """The last prompt again, at another strength."""
    await walk.stay(seal_strength=float(strength))
    turn = await _try(walk, await _last_subject(walk), (walk.here.seal_strength,), Layout.SINGLE)
    return replace(turn, toast=strength, screen=True)


async def swept(walk: Walk) -> Turn:
    """The last prompt from 0 to 1.2, as a sheet."""
    return await _try(walk, await _last_subject(walk), SWEEP, Layout.SWEEP)


async def compared(walk: Walk) -> Turn:
    """The last prompt without and with, on one seed."""
    return await _try(walk, await _last_subject(walk), (0.0, walk.here.seal_strength), Layout.PAIR)


async def on_text(walk: Walk, text: str) -> Turn | None:
    """Any text is a prompt; the trigger is put in where it is missing."""
    subject = prompt.bare(prompt.one_line(text))
    if not subject:
        return None
    if len(subject) > prompt.LONGEST_WORDS:
        return walk.says("text.too_long", length=len(subject), most=prompt.LONGEST_WORDS)
    return await _try(walk, subject, (walk.here.seal_strength,), Layout.SINGLE)


async def on_done(walk: Walk, job: Job) -> Messages:
    """A trial as a fresh screen."""
    picture = await _laid_out(walk, job)
    request = read_request(job.request)
    if picture is None or not isinstance(request, TryRequest):
        return ()
    about = walk.words(f"try.{request.layout}.about", prompt=request.rows[-1].prompt, strength=request.rows[-1].label)
    return (replace(_screen(walk, picture, about), fresh=True),)


STEP = QuestStep(
    show=show,
    on_enter=on_enter,
    on_text=on_text,
    jobs={JobKind.TRYING: JobHooks(on_done=on_done), JobKind.EXPORT: taking.HOOKS},
    taps={
        Verb.TRY_STRENGTH: does(strength_chosen, one_of(*STRENGTHS), good=Good.STEP),
        Verb.TRY_SWEEP: does(swept, good=Good.STEP),
        Verb.TRY_COMPARE: does(compared, good=Good.STEP),
        **taking.TAPS,
    },
)
