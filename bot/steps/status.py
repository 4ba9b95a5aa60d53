"""The one status message of a job, edited in place: how far, how long, what was kept, and how to stop it."""

from __future__ import annotations

import json
from dataclasses import replace

from bot.rules.clashes import said_of
from bot.rules.progress import bar, clock_time, seconds_of, wait_of
from bot.screens import Cell, PictureSource, Row, Screen, Sheet, TrainingView
from bot.steps.samples import sample_sheet
from bot.steps.silence import why_silent
from bot.steps.walk import Turn, Walk
from bot.taps import Verb
from storage.chunks import MOST_CHUNKS
from storage.records import Job, Picture
from storage.requests import DrawnAnswer, PayloadRequest, TrainingAnswer, TrainingRequest, read_answer, read_request
from storage.states import LIVE_STATES, JobKind, JobState, Phase, Wish

PAYLOAD_COLUMNS = 8
STRIP_COLUMNS = 8  # of samples, the start among them: more would be too small to see on a phone


def slot_of(job: Job) -> str:
    """The slot a job's status is edited in."""
    return f"job:{job.id}"


async def live(walk: Walk, job: Job) -> Screen:
    """The status of a job that waits or runs."""
    lasting = replace(walk, lasting=True)
    lines = [walk.words(f"status.{job.kind}.title", name=walk.here.name if walk.quest else "")]
    lines += await _since_then(walk, job)
    rows = (_stopping(lasting, job), lasting.way_back())
    return Screen(text="\n".join(lines), picture=await _picture(walk, job), rows=rows, slot=slot_of(job))


async def under_way(walk: Walk, kind: JobKind) -> Screen | None:
    """The status of the quest's newest job of a kind, if it lives."""
    job = await walk.newest_job(kind)
    return await live(walk, job) if job is not None and job.state in LIVE_STATES else None


async def ended(walk: Walk, job: Job, *, rows: tuple[Row, ...] = ()) -> Screen:
    """The status of a job that ended, in a line or two, without the buttons that would stop it."""
    if job.state is JobState.DONE:
        took = (job.finished - job.started).total_seconds() if job.finished and job.started else 0
        text = "\n".join([walk.words(f"status.{job.kind}.done", took=clock_time(took)), *_left_out(walk, job)])
    else:
        text = sentence(walk, job)
    return Screen(text=text, picture=await _picture(walk, job), rows=rows, slot=slot_of(job))


def _left_out(walk: Walk, job: Job) -> list[str]:
    """How many pictures the model gave no numbers for, and what may help: the same words lose the same ones again."""
    answer = read_answer(job.kind, job.answer) if job.answer else None
    lost = answer.lost if isinstance(answer, DrawnAnswer) else 0
    return [walk.words("status.lost", count=lost)] if lost else []


async def stop(walk: Walk, kind: JobKind) -> Turn:
    """The newest job of this kind ends early and keeps what is done; one that waits ends at once."""
    job = await walk.store.queue.latest(walk.here.id, kind)
    if job is None or job.state not in LIVE_STATES:
        return walk.refuses("job.over")
    if job.state is JobState.RUNNING:
        await walk.store.queue.wish(job.id, Wish.STOP)
    else:
        await walk.store.queue.cancel(job.id)
    return Turn(toast=walk.words.plain("status.stopping"), screen=False)


def sentence(walk: Walk, job: Job) -> str:
    """What went wrong, what is kept and what to do next."""
    kept = walk.words(f"status.{job.kind}.kept")
    if job.state is JobState.CANCELED:
        return walk.words("status.canceled", kept=kept)
    if job.state is JobState.QUARANTINED:
        return walk.words("status.quarantined", kept=kept)
    return walk.words("status.failed", why=why(walk, job), kept=kept)


def why(walk: Walk, job: Job) -> str:
    """The job's error in the person's language; a refused recipe says which of its numbers clash."""
    try:
        said = json.loads(job.error or "{}")
    except ValueError:
        said = {}
    name, reason = said.get("error", ""), f"train.clash.{said.get('reason', '')}"
    key = reason if walk.words.has(reason) else f"error.{name}"
    if not name or not walk.words.has(key):
        return walk.words("error.StylesealError")
    return walk.words(key, most=MOST_CHUNKS, **_numbers_of(job))


def _numbers_of(job: Job) -> dict[str, object]:
    """What a sentence about a training's numbers may name."""
    request = read_request(job.request)
    if not isinstance(request, TrainingRequest):
        return {}
    return dict(said_of(request.recipe, len(request.pictures)))


async def place(walk: Walk, job: Job) -> tuple[int, float]:
    """Jobs that are served before this one, and about how many seconds they need."""
    before = await walk.store.queue.waiting_before(job.id)
    others = [other for other in await walk.store.queue.live() if other.id != job.id]
    ahead = [other for other in others if other.lane == job.lane and other.id < job.id]
    ahead += [other for other in others if _is_earlier_lane(other, job)]
    return before, wait_of(ahead[:before], walk.machine)


def _is_earlier_lane(other: Job, job: Job) -> bool:
    lanes = list(type(job.lane))
    return lanes.index(other.lane) < lanes.index(job.lane)


async def _since_then(walk: Walk, job: Job) -> list[str]:
    if job.wish is Wish.CANCEL:
        return [walk.words("status.canceling")]
    if job.wish is Wish.STOP:
        return [walk.words("status.stopping")]
    if job.state is JobState.RUNNING:
        return [_running(walk, job)]
    lines = await _again(walk, job)
    if job.state is JobState.WAITING:
        lines.append(why(walk, job) if job.error else walk.words("status.held"))
    elif await walk.store.machine.paused():
        lines.append(walk.words("status.paused"))
    elif not await walk.store.machine.alive():
        lines.append(await why_silent(walk.store, walk.words, "status.no_engine"))
    else:
        lines.append(await _waiting(walk, job))
    return lines


async def _again(walk: Walk, job: Job) -> list[str]:
    """What became of an earlier attempt: its engine died, or was asked to end."""
    states = await walk.store.trainings.states(job.id)
    if job.crashes or job.attempt:
        if states:
            return [walk.words("status.again.training", stopped=job.progress.done, step=states[0][0])]
        return [walk.words("status.again", done=job.progress.done)]
    return [walk.words("status.given_back", step=states[0][0])] if states else []


async def _waiting(walk: Walk, job: Job) -> str:
    before, seconds = await place(walk, job)
    if not before:
        return walk.words("status.next")
    return walk.words("status.before", count=before, wait=clock_time(seconds))


def _running(walk: Walk, job: Job) -> str:
    progress = job.progress
    total = progress.total or _size(job)
    line = f"{bar(progress.done, total)} "
    if progress.epoch is not None and progress.epochs:
        line += walk.words(
            "status.epoch", epoch=progress.epoch, epochs=progress.epochs, done=progress.done, total=total
        )
    else:
        line += f"{progress.done}/{total}"
    if progress.seconds_left is not None or progress.done:
        line += " · " + walk.words("status.left", left=clock_time(seconds_of(job, walk.machine)))
    if progress.phase not in (Phase.NONE, Phase.DRAWING, Phase.TRAINING):
        line += "\n" + walk.words(f"status.phase.{progress.phase}")
    if progress.went_back_to is not None:
        line += "\n" + walk.words("status.went_back", step=progress.went_back_to)
    if job.wish is Wish.SAMPLE:
        line += "\n" + walk.words("status.sampling")
    return line


def _size(job: Job) -> int:
    request = read_request(job.request)
    if isinstance(request, TrainingRequest):
        return request.recipe.steps
    return len(getattr(request, "rows", ())) or 1


def _stopping(walk: Walk, job: Job) -> Row:
    cancel = walk.button("status.cancel", Verb.JOB_CANCEL, job.id)
    if job.kind is JobKind.PAYLOAD:
        return (walk.button("payload.stop", Verb.PAYLOAD_STOP), cancel)
    if job.kind is JobKind.TRAINING:
        sample_now = walk.button("train.sample", Verb.TRAIN_SAMPLE)
        return (sample_now, walk.button("train.stop", Verb.TRAIN_STOP), cancel)
    return (cancel,)


async def _picture(walk: Walk, job: Job) -> PictureSource | None:
    if job.kind is JobKind.PAYLOAD:
        return _filling(await walk.store.pictures.of_job(job.id), job)
    if job.kind is JobKind.TRAINING:
        return await training_view(walk, job)
    return None


def _filling(pictures: tuple[Picture, ...], job: Job) -> Sheet:
    request = read_request(job.request)
    total = len(request.rows) if isinstance(request, PayloadRequest) else len(pictures)
    drawn = {picture.position: picture.file for picture in pictures}
    return Sheet(cells=tuple(Cell(file=drawn.get(index)) for index in range(total)), columns=PAYLOAD_COLUMNS)


async def training_view(walk: Walk, job: Job) -> TrainingView:
    """The losses so far over the strip of samples."""
    request = read_request(job.request)
    assert isinstance(request, TrainingRequest)
    pictures = await walk.store.pictures.of_job(job.id)
    answer = read_answer(JobKind.TRAINING, job.answer) if job.answer else None
    said = answer if isinstance(answer, TrainingAnswer) else None
    return TrainingView(
        losses=await walk.store.trainings.losses(job.id),
        total_steps=request.recipe.steps,
        axis_step=walk.words.plain("train.axis.step"),
        axis_loss=walk.words.plain("train.axis.loss"),
        legend_training=walk.words.plain("train.legend.training"),
        legend_validation=walk.words.plain("train.legend.validation"),
        legend_weights=walk.words.plain("train.legend.weights"),
        elbow=said.elbow if said else 0,
        advised=said.recommended if said else 0,
        legend_elbow=walk.words.plain("train.legend.elbow"),
        legend_advised=walk.words.plain("train.legend.advised"),
        strip=strip(pictures, [row.subject for row in request.samples]) if pictures else None,
    )


def strip(pictures: tuple[Picture, ...], subjects: list[str]) -> Sheet:
    """The samples so far; who often asks for some sees the start and the newest."""
    steps = sorted({picture.step or 0 for picture in pictures})
    steps = steps[:1] + steps[1:][1 - STRIP_COLUMNS :]
    return sample_sheet(pictures, subjects, steps, [str(step) for step in steps])
