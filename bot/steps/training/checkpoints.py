"""Step 7's end: what the training says of itself, the checkpoints side by side, and the pick that becomes the seal."""

from __future__ import annotations

from collections.abc import Sequence

from bot.rules.curve import advised, begins_to_copy, labels, reading_key, reason_key
from bot.screens import Screen, Sheet
from bot.steps.moves import Event
from bot.steps.samples import sample_sheet
from bot.steps.walk import Turn, Walk
from bot.taps import Verb
from storage.records import Checkpoint, Job
from storage.requests import Row, TrainingAnswer, TrainingRequest, read_answer, read_request
from storage.states import JobKind


async def last_training(walk: Walk) -> tuple[Job, TrainingRequest, tuple[Checkpoint, ...]] | None:
    """The newest training of the quest that left checkpoints."""
    for job in await walk.store.queue.of_quest(walk.here.id, JobKind.TRAINING):
        checkpoints = await walk.store.trainings.checkpoints(job.id)
        request = read_request(job.request)
        if checkpoints and isinstance(request, TrainingRequest):
            return job, request, checkpoints
    return None


async def show(walk: Walk) -> Screen | None:
    """The checkpoint sheet with its advice; None while no training left any."""
    found = await last_training(walk)
    if found is None:
        return None
    job, request, checkpoints = found
    answer = read_answer(JobKind.TRAINING, job.answer) if job.answer else None
    reported = answer if isinstance(answer, TrainingAnswer) else None
    best = advised(checkpoints, reported.recommended if reported else 0)
    assert best is not None
    text = "\n".join(_advice(walk, checkpoints, best, reported))
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
    lines.append(walk.words(reason_key(checkpoints, best)))
    if answer is not None:
        lines.append(walk.words(reading_key(answer)))
        if answer.copied_picture is not None and begins_to_copy(checkpoints, best):
            lines.append(walk.words("seal.copies", picture=answer.copied_picture + 1))
    return lines


async def _sheet(
    walk: Walk, job: Job, samples: Sequence[Row], checkpoints: Sequence[Checkpoint], best: Checkpoint
) -> Sheet | None:
    pictures = await walk.store.pictures.of_job(job.id)
    if not pictures:
        return None
    steps = [0, *(checkpoint.step for checkpoint in checkpoints)]  # first what the model drew before the training
    subjects = [row.subject for row in samples]
    return sample_sheet(pictures, subjects, steps, ("0", *labels(checkpoints)), framed=steps.index(best.step))


async def picked(walk: Walk, step: int) -> Turn:
    """A checkpoint becomes the seal."""
    found = await last_training(walk)
    chosen = next((c for c in found[2] if c.step == step), None) if found else None
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


async def choice_asked(walk: Walk) -> Turn:
    """Back to the checkpoint sheet."""
    await walk.move(Event.CHOOSE_AGAIN)
    return Turn()
