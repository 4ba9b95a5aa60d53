"""Step 8: the seal on any prompt, at any strength, with and without; and everything to take home."""

from __future__ import annotations

from dataclasses import replace
from pathlib import PurePath

from bot.rules import prompt
from bot.rules.card import CardFacts, card_text
from bot.rules.rows import sealed_row
from bot.rules.subjects import outside
from bot.screens import Cell, Document, Message, Notice, PictureSource, Row, Screen, Sheet, Shown
from bot.steps import status
from bot.steps.moves import Event
from bot.steps.walk import Turn, Walk
from bot.taps import Tap, Verb
from storage.errors import QuotaReached
from storage.records import Candidate, Checkpoint, Job, Picture, Seal, Seed
from storage.requests import ExportAnswer, ExportRequest, TrainingRequest, TryRequest, read_answer, read_request
from storage.states import ExportKind, JobKind, JobState, Layout, PaletteKind, Stage, Verdict

STRENGTHS = ("0.6", "0.8", "1.0")
SWEEP = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0, 1.2)
PAIR_SUBJECTS = 4
SEED = 42  # the same for every trial of a quest, so that only what was changed changes
LORAS = {"kohya": ExportKind.LORA_KOHYA, "diffusers": ExportKind.LORA_DIFFUSERS}  # by the button's argument
DORA = ".dora"  # ends the keys of what is said otherwise of a DoRA
SENT_AS_DOCUMENT_BYTES = 50 * 10**6  # Bot API


async def enter(walk: Walk) -> tuple[Message, ...]:
    """The first thing a person sees of a new seal: without | with, one seed, four subjects it never saw."""
    seal = await _seal(walk)
    if seal is None or walk.here.stage is not Stage.TRY:
        return ()
    key = f"pair:{walk.here.id}:{seal.id}"
    if any(job.key == key for job in await walk.store.queue.of_quest(walk.here.id, JobKind.TRYING)):
        return ()
    palette = [candidate.picture.subject for candidate in await _palette(walk)]
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
    return TryRequest(rows=rows, layout=Layout.PAIR, columns=2, loras=(await _lora(walk, seal),))


async def _seal(walk: Walk) -> Seal | None:
    return await walk.store.seals.find(walk.here.seal) if walk.here.seal else None


async def _palette(walk: Walk) -> list[Candidate]:
    return [c for c in await walk.store.candidates.of(walk.here.id) if c.verdict is Verdict.KEPT]


async def show(walk: Walk) -> Screen:
    """The newest trial with everything that can be done next, or what each file to take home is for."""
    if walk.here.stage is Stage.TAKE:
        return await _taking(walk)
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


async def _taking(walk: Walk) -> Screen:
    seal = await _seal(walk)
    dora = DORA if seal is not None and seal.recipe.use_dora else ""
    rows: tuple[Row, ...] = (
        (walk.button("take.lora.kohya" + dora, Verb.TAKE_LORA, "kohya"),),
        (walk.button("take.lora.diffusers", Verb.TAKE_LORA, "diffusers"),),
        (walk.button("take.dataset", Verb.TAKE_DATASET), walk.button("take.card", Verb.TAKE_CARD)),
        walk.way_back(),
    )
    return Screen(text=walk.words("take.ask" + dora, trigger=walk.here.style.trigger), rows=rows)


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


async def _ask(walk: Walk, request: TryRequest) -> Turn:
    asked_before = len(await walk.store.queue.of_quest(walk.here.id, JobKind.TRYING))
    job = await walk.ask(request, key=f"try:{walk.here.id}:{asked_before}")
    return Turn(before=(await status.live(walk, job),), screen=False)


async def _try(walk: Walk, subject: str, weights: tuple[float, ...], layout: Layout) -> Turn:
    seal = await _seal(walk)
    if seal is None:
        return walk.refuses("try.no_seal")
    rows = tuple(
        sealed_row(subject, seal.trigger, Seed(SEED), walk.here.style.drawing, adapter=seal.adapter, weight=weight)
        for weight in weights
    )
    loras = (await _lora(walk, seal),)
    return await _ask(walk, TryRequest(rows=rows, layout=layout, columns=len(rows), loras=loras))


async def strength_chosen(walk: Walk, tap: Tap) -> Turn:
    """The last prompt again, at another strength."""
    if tap.args[0] not in STRENGTHS:
        return walk.refuses("tap.unreadable")
    await walk.stay(seal_strength=float(tap.args[0]))
    turn = await _try(walk, await _last_subject(walk), (walk.here.seal_strength,), Layout.SINGLE)
    return replace(turn, toast=tap.args[0], screen=True)


async def swept(walk: Walk, _tap: Tap) -> Turn:
    """The last prompt from 0 to 1.2, as a sheet."""
    return await _try(walk, await _last_subject(walk), SWEEP, Layout.SWEEP)


async def compared(walk: Walk, _tap: Tap) -> Turn:
    """The last prompt without and with, on one seed."""
    return await _try(walk, await _last_subject(walk), (0.0, walk.here.seal_strength), Layout.PAIR)


async def wrote(walk: Walk, text: str) -> Turn | None:
    """Any text is a prompt; the trigger is put in where it is missing."""
    subject = prompt.bare(prompt.one_line(text))
    if not subject:
        return None
    if len(subject) > prompt.LONGEST_WORDS:
        return walk.says("text.too_long", length=len(subject), most=prompt.LONGEST_WORDS)
    return await _try(walk, subject, (walk.here.seal_strength,), Layout.SINGLE)


async def came(walk: Walk, job: Job) -> tuple[Message, ...]:
    """A trial as a fresh screen; something to take home as a document."""
    if job.kind is JobKind.EXPORT:
        return (_document(walk, job),)
    picture = await _laid_out(walk, job)
    request = read_request(job.request)
    if picture is None or not isinstance(request, TryRequest):
        return ()
    about = walk.words(f"try.{request.layout}.about", prompt=request.rows[-1].prompt, strength=request.rows[-1].label)
    return (replace(_screen(walk, picture, about), fresh=True),)


def _document(walk: Walk, job: Job) -> Message:
    answer, request = read_answer(JobKind.EXPORT, job.answer or ""), read_request(job.request)
    assert isinstance(answer, ExportAnswer)
    assert isinstance(request, ExportRequest)
    if answer.size_bytes > SENT_AS_DOCUMENT_BYTES:
        return Notice(text=walk.words("take.too_large", filename=answer.filename))
    # Other programs call a learnt word by its file.
    said = PurePath(answer.filename).stem if request.what is ExportKind.EMBEDDINGS else request.trigger
    text = walk.words(f"take.{_about(request)}.about", trigger=said)
    return Document(file=answer.file, filename=answer.filename, text=text)


def _about(request: ExportRequest) -> str:
    """Under what its words are found: programs read a DoRA in kohya's keys by different rules."""
    if request.what is ExportKind.LORA_KOHYA and request.recipe.use_dora:
        return f"{request.what}{DORA}"
    return request.what


async def lost(_walk: Walk, _job: Job) -> tuple[Message, ...]:
    """The seal is where it was; the status says why nothing came."""
    return ()


async def lora_taken(walk: Walk, tap: Tap) -> Turn:
    """The LoRA as kohya's tools and as diffusers read it, with an argument only one of the two, and a learnt word."""
    asked = [LORAS[kind] for kind in tap.args or LORAS if kind in LORAS]
    return await _take(walk, *asked, ExportKind.EMBEDDINGS)


async def dataset_taken(walk: Walk, _tap: Tap) -> Turn:
    """Pictures and captions as a zip."""
    return await _take(walk, ExportKind.DATASET)


async def card_taken(walk: Walk, _tap: Tap) -> Turn:
    """The card, the recipe and the proof sheet."""
    return await _take(walk, ExportKind.CARD)


async def open_taking(walk: Walk, _tap: Tap) -> Turn:
    """What each file is for, one button each."""
    await walk.move(Event.TAKE)
    return Turn()


async def _take(walk: Walk, *whats: ExportKind) -> Turn:
    seal = await _seal(walk)
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
    palette = await _palette(walk)
    samples = await _proofs(walk, seal)
    return replace(
        await _lora(walk, seal),
        what=what,
        sheets=tuple(picture.file for picture in samples),
        prompts=tuple(picture.prompt for picture in samples),
        card=card_text(await _card_facts(walk, seal, palette)) if what is ExportKind.CARD else "",
        drawing=walk.here.style.drawing,
    )


async def _lora(walk: Walk, seal: Seal) -> ExportRequest:
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


async def _card_facts(walk: Walk, seal: Seal, palette: list[Candidate]) -> CardFacts:
    checkpoints: tuple[Checkpoint, ...] = await walk.store.trainings.checkpoints(seal.job)
    return CardFacts(
        trigger=seal.trigger,
        style=walk.here.style,
        recipe=seal.recipe,
        pictures=len(palette),
        checkpoint=next((checkpoint for checkpoint in checkpoints if checkpoint.step == seal.step), None),
        machine=walk.machine,
        captions=[candidate.caption for candidate in palette],
    )


TAPS = {
    Verb.TRY_STRENGTH: strength_chosen,
    Verb.TRY_SWEEP: swept,
    Verb.TRY_COMPARE: compared,
    Verb.TAKE_OPEN: open_taking,
    Verb.TAKE_LORA: lora_taken,
    Verb.TAKE_DATASET: dataset_taken,
    Verb.TAKE_CARD: card_taken,
}
