"""Step 7: a recipe with advice, the training as it goes, and the checkpoints to choose from."""

from __future__ import annotations

from collections.abc import Sequence

from bot.rules import recipe as recipes
from bot.rules.curve import advised, begins_to_copy, labels, reading_key
from bot.rules.naming import file_stem
from bot.rules.progress import clock_time, training_seconds
from bot.rules.rows import sealed_row
from bot.rules.subjects import outside
from bot.screens import Cell, Message, Row, Screen, Sheet
from bot.steps import status
from bot.steps.moves import Event
from bot.steps.walk import Turn, Walk
from bot.taps import Tap, Verb
from storage.records import Candidate, Checkpoint, ContentHash, Job, Recipe, Seed
from storage.requests import Row as DrawnRow
from storage.requests import TrainingAnswer, TrainingPicture, TrainingRequest, read_answer, read_request
from storage.states import LIVE_STATES, JobKind, Stage, Verdict

SAMPLES = 4
PROOFS = 8  # subjects the measure must tell apart: guessing is right in one of eight
SAMPLE_SEED = 71  # any fixed number: samples of two checkpoints differ by training alone
SUMMARY = ("rank", "alpha", "rate", "epochs", "batch", "accumulation", "snr", "rslora", "dropout", "checkpoints")


async def palette(walk: Walk) -> list[Candidate]:
    """The kept candidates by number."""
    candidates = await walk.store.candidates.of(walk.here.id)
    return [candidate for candidate in candidates if candidate.verdict is Verdict.KEPT]


async def enter(walk: Walk) -> tuple[Message, ...]:
    """A recipe for a palette of this size, unless the person set its numbers."""
    if walk.here.stage is Stage.RECIPE and walk.here.recipe.preset in recipes.PRESETS:
        await _use_preset(walk, walk.here.recipe.preset)
    return ()


async def _use_preset(walk: Walk, name: str) -> None:
    pictures = len(await palette(walk))
    await walk.stay(recipe=recipes.preset_recipe(name, walk.family, pictures, seed=walk.here.id))


async def show(walk: Walk) -> Screen:
    """The screen of the stage the quest is at; while it trains it is the status."""
    stage = walk.here.stage
    if stage is Stage.SEALING:
        job = await walk.store.jobs.latest(walk.here.id, JobKind.TRAINING)
        if job is not None and job.state in LIVE_STATES:
            return await status.live(walk, job)
    if stage is Stage.CHECKPOINTS:
        return await _checkpoints(walk)
    if stage is Stage.NUMBERS:
        return await _numbers(walk)
    return await _recipe(walk)


async def _recipe(walk: Walk) -> Screen:
    quest, recipe = walk.here, walk.here.recipe
    seconds = training_seconds(recipe.steps, recipe.batch_size, recipe.checkpoints, SAMPLES, walk.machine)
    size = recipes.file_bytes(recipe, walk.family)
    text = walk.words(
        "train.ask",
        name=quest.name,
        count=len(await palette(walk)),
        epochs=recipe.epochs,
        rank=recipe.rank,
        steps=recipe.steps,
        took=clock_time(seconds),
        megabytes=f"{size / 1e6:.1f}",
    )
    text += "\n\n" + walk.words(f"train.preset.{recipe.preset}.why")
    if size > recipes.UPLOAD_BYTES:
        text += "\n\n" + walk.words("train.too_large")
    presets = tuple(
        walk.labelled(
            ("✓ " if name == recipe.preset else "") + walk.words.plain(f"train.preset.{name}"), Verb.TRAIN_PRESET, name
        )
        for name in recipes.PRESETS
    )
    rows: tuple[Row, ...] = (
        presets,
        (
            walk.button("train.numbers", Verb.TRAIN_NUMBERS),
            walk.button("train.start", Verb.TRAIN_START, look="primary"),
        ),
        walk.way_back(),
    )
    return Screen(text=text, rows=rows)


async def _numbers(walk: Walk) -> Screen:
    recipe = walk.here.recipe
    pictures = len(await palette(walk))
    lines = [walk.words("train.numbers.ask"), ""]
    lines += [walk.words(f"train.number.{name}", value=value_of(walk, recipe, name)) for name in SUMMARY]
    clash = recipes.clash(recipe, pictures, walk.family)
    if clash:
        lines += ["", walk.words(f"train.clash.{clash}", pictures=pictures, steps=recipe.steps)]
    numbers = tuple(
        walk.labelled(f"{walk.words.plain(f'train.name.{name}')} {value_of(walk, recipe, name)}", Verb.TRAIN_SET, name)
        for name in SUMMARY
    )
    rows: list[Row] = [numbers[start : start + 2] for start in range(0, len(numbers), 2)]
    rows.append(tuple(walk.button(f"train.preset.{name}", Verb.TRAIN_PRESET, name) for name in recipes.PRESETS))
    rows.append((walk.button("train.start", Verb.TRAIN_START, look="primary"),))
    return Screen(text="\n".join(lines), rows=(*rows, walk.way_back()))


def value_of(walk: Walk, recipe: Recipe, name: str) -> str:
    """One number of a recipe as a person reads it."""
    value = getattr(recipe, recipes.FIELDS[name])
    if value is None or value is False:
        return walk.words.plain("train.off")
    if value is True:
        return walk.words.plain("train.on")
    return f"{value:g}" if isinstance(value, float) else str(value)


async def preset_chosen(walk: Walk, tap: Tap) -> Turn:
    """Fast, balanced or thorough."""
    if tap.args[0] not in recipes.PRESETS:
        return walk.refuses("tap.unreadable")
    await _use_preset(walk, tap.args[0])
    return Turn(toast=walk.words.plain(f"train.preset.{tap.args[0]}"))


async def numbers_asked(walk: Walk, _tap: Tap) -> Turn:
    """Every number with its advice."""
    await walk.move(Event.NUMBERS)
    return Turn()


async def number_changed(walk: Walk, tap: Tap) -> Turn:
    """The next choice for one number."""
    if tap.args[0] not in recipes.CHOICES:
        return walk.refuses("tap.unreadable")
    await walk.stay(recipe=recipes.next_choice(walk.here.recipe, tap.args[0], len(await palette(walk))))
    return Turn()


async def started(walk: Walk, _tap: Tap) -> Turn:
    """The training is asked for; numbers that clash are refused with the reason."""
    pictures = await palette(walk)
    recipe = walk.here.recipe
    clash = recipes.clash(recipe, len(pictures), walk.family)
    if clash:
        return walk.refuses(f"train.clash.{clash}", pictures=len(pictures), steps=recipe.steps)
    asked_before = len(await walk.store.jobs.of_quest(walk.here.id, JobKind.TRAINING))
    key = f"train:{walk.here.id}:{asked_before}"
    await walk.ask_and_move(Event.TRAINING_ASKED, request_of(walk, pictures), key)
    return Turn(fresh=True)


def request_of(walk: Walk, pictures: Sequence[Candidate]) -> TrainingRequest:
    """The palette with its captions, the numbers, and samples of subjects that the palette does not hold."""
    quest = walk.here
    trigger = quest.style.trigger
    known = walk.library.subjects[type(quest.style.kind).STYLE]
    proofs = outside(known, [candidate.picture.subject for candidate in pictures], PROOFS)
    samples = tuple(
        sealed_row(subject, trigger, Seed(SAMPLE_SEED + index), quest.style.drawing)
        for index, subject in enumerate(proofs[:SAMPLES])
    )
    return TrainingRequest(
        pictures=training_pictures(pictures),
        recipe=quest.recipe,
        trigger=trigger,
        name=file_stem(quest.style.preset or quest.name),
        samples=samples,
        proof_subjects=proofs,
    )


def training_pictures(pictures: Sequence[Candidate]) -> tuple[TrainingPicture, ...]:
    """The palette as the engine trains on it."""
    return tuple(TrainingPicture(file=c.picture.file, caption=c.caption, subject=c.picture.subject) for c in pictures)


async def stopped(walk: Walk, _tap: Tap) -> Turn:
    """Ends early and keeps the checkpoints there are."""
    return await status.stop(walk, JobKind.TRAINING)


async def samples_asked(walk: Walk, _tap: Tap) -> Turn:
    """Samples of what is learned by now, at the next pause."""
    return await status.sample(walk)


async def came(walk: Walk, job: Job) -> tuple[Message, ...]:
    """To the checkpoint sheet (the journey shows it), if there is anything to choose."""
    return await lost(walk, job)


async def lost(walk: Walk, job: Job) -> tuple[Message, ...]:
    """Checkpoints that were kept can still be chosen; without any the recipe is shown again."""
    has_any = await walk.store.jobs.checkpoints(job.id)
    event = Event.TRAINED if has_any else Event.TRAINING_LOST
    if walk.may(event):
        await walk.move(event)
    return ()


async def last_training(walk: Walk) -> tuple[Job, TrainingRequest, tuple[Checkpoint, ...]] | None:
    """The newest training of the quest that left checkpoints."""
    for job in await walk.store.jobs.of_quest(walk.here.id, JobKind.TRAINING):
        checkpoints = await walk.store.jobs.checkpoints(job.id)
        request = read_request(job.request)
        if checkpoints and isinstance(request, TrainingRequest):
            return job, request, checkpoints
    return None


async def _checkpoints(walk: Walk) -> Screen:
    found = await last_training(walk)
    if found is None:
        return await _recipe(walk)
    job, request, checkpoints = found
    answer = read_answer(JobKind.TRAINING, job.answer) if job.answer else None
    told = answer if isinstance(answer, TrainingAnswer) else None
    best = advised(checkpoints, told.recommended if told else 0)
    assert best is not None
    text = "\n".join(_advice(walk, checkpoints, best, told))
    others = [(c, name) for c, name in zip(checkpoints, labels(checkpoints), strict=True) if c is not best]
    name = labels(checkpoints)[checkpoints.index(best)]
    take = walk.button("seal.take", Verb.SEAL_PICK, best.step, look="success", name=name)
    rest = tuple(walk.labelled(other, Verb.SEAL_PICK, c.step) for c, other in others)
    rows = ((take,), *([rest] if rest else []), walk.way_back())
    return Screen(text=text, picture=await _sheet(walk, job, request.samples, checkpoints, best), rows=rows)


def _advice(
    walk: Walk, checkpoints: Sequence[Checkpoint], best: Checkpoint, answer: TrainingAnswer | None
) -> list[str]:
    name = labels(checkpoints)[checkpoints.index(best)]
    unit = "epoch" if name == str(best.epoch) else "step"
    advice = walk.words("seal.advice", checkpoint=walk.words(f"seal.{unit}", number=name))
    lines = [walk.words("seal.title", name=walk.here.name), advice]
    if best.style_gained is not None and best.prompt_kept is not None:
        measured = {"style": f"{best.style_gained:.2f}", "kept": f"{best.prompt_kept:.2f}"}
        lines.append(walk.words("seal.measured", **measured))
    if answer is not None:
        lines.append(walk.words(reading_key(answer)))
        if answer.copied_picture is not None and begins_to_copy(checkpoints, best):
            lines.append(walk.words("seal.copies", picture=answer.copied_picture + 1))
    return lines


async def _sheet(
    walk: Walk, job: Job, samples: Sequence[DrawnRow], checkpoints: Sequence[Checkpoint], best: Checkpoint
) -> Sheet | None:
    pictures = await walk.store.pictures.of_job(job.id)
    if not pictures:
        return None
    rows = len(samples)
    files: dict[tuple[int, int], ContentHash] = {(p.position % rows, p.step or 0): p.file for p in pictures}
    steps = [0, *(checkpoint.step for checkpoint in checkpoints)]  # first what the model drew before the training
    return Sheet(
        cells=tuple(Cell(file=files.get((row, step))) for row in range(rows) for step in steps),
        columns=len(steps),
        column_labels=("0", *labels(checkpoints)),
        row_labels=tuple(row.subject for row in samples),
        framed_column=steps.index(best.step),
    )


async def picked(walk: Walk, tap: Tap) -> Turn:
    """A checkpoint becomes the seal."""
    found = await last_training(walk)
    chosen = next((c for c in found[2] if c.step == int(tap.args[0])), None) if found else None
    if found is None or chosen is None:
        return walk.refuses("tap.unreadable")
    job, request, _ = found
    if walk.may(Event.CHOOSE_AGAIN):
        await walk.move(Event.CHOOSE_AGAIN)
    seal = await walk.store.seals.make(
        walk.here.id,
        job_id=job.id,
        step=chosen.step,
        trigger=request.trigger,
        recipe=request.recipe,
        adapter=chosen.adapter,
    )
    await walk.move(Event.CHECKPOINT_PICKED, seal=seal.id)
    return Turn(toast=walk.words.plain("seal.picked.toast"), fresh=True)


async def choice_asked(walk: Walk, _tap: Tap) -> Turn:
    """Back to the checkpoint sheet."""
    await walk.move(Event.CHOOSE_AGAIN)
    return Turn()


TAPS = {
    Verb.TRAIN_PRESET: preset_chosen,
    Verb.TRAIN_NUMBERS: numbers_asked,
    Verb.TRAIN_SET: number_changed,
    Verb.TRAIN_START: started,
    Verb.TRAIN_STOP: stopped,
    Verb.TRAIN_SAMPLE: samples_asked,
    Verb.SEAL_PICK: picked,
    Verb.SEAL_CHOICE: choice_asked,
}
