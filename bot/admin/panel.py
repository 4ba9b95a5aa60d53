"""The admin's panel: machine, queue, pause, resume, cancel. Destructive taps ask again on the same message."""

from __future__ import annotations

import asyncio
import shutil

from bot.rules.access import is_admin
from bot.screens import Button, Reply, Row, Screen, in_rows
from bot.steps.actions import Good, does
from bot.steps.silence import why_silent
from bot.steps.walk import Turn, Walk
from bot.taps import Verb
from storage.records import Job
from storage.states import LANE_ORDER, JobState, Lane, Wish

SLOT = "admin"
SHOWN_A_LANE = 6
BUTTONS_FOR, COLUMNS = 8, 2  # jobs; one screen of a phone
NOTES = 5


def may(walk: Walk) -> bool:
    """Whether this person may see the panel."""
    return is_admin(walk.person, walk.admins)


async def show(walk: Walk) -> Reply:
    """The panel as a new message."""
    return Reply(messages=(await _panel(walk, fresh=True),))


async def paused(walk: Walk) -> Turn:
    """No new work is begun."""
    await walk.store.machine.pause()
    return await _noted(walk, "pause", "admin.done.paused")


async def resumed(walk: Walk) -> Turn:
    """Work goes on."""
    await walk.store.machine.resume()
    return await _noted(walk, "resume", "admin.done.resumed")


async def refreshed(walk: Walk) -> Turn:
    """The panel as it is now."""
    return await _drawn(walk, "")


async def canceled(walk: Walk, job_id: int) -> Turn:
    """Ends somebody's job."""
    if not await walk.store.queue.cancel(job_id):
        return await _drawn(walk, "admin.done.gone")
    return await _noted(walk, "cancel", "admin.done.canceled", str(job_id))


async def cancel_asked(walk: Walk, job_id: int) -> Turn:
    """Whether this job shall really end."""
    job = await walk.store.queue.find(job_id)
    if job is None:
        return await _drawn(walk, "admin.done.gone")
    row = (
        walk.button("admin.cancel.no", Verb.ADMIN_REFRESH),
        walk.button("admin.cancel.yes", Verb.ADMIN_CANCEL_YES, job.id, look="danger"),
    )
    text = walk.words("admin.cancel.ask", job=job.id, person=job.user)
    return Turn(messages=(Screen(text=text, rows=(row,), slot=SLOT),), screen=False)


async def _noted(walk: Walk, action: str, toast: str, what: str = "") -> Turn:
    """Every act leaves a note."""
    await walk.store.audit.note(walk.person.id, action, what)
    return await _drawn(walk, toast)


async def _drawn(walk: Walk, toast: str) -> Turn:
    text = walk.words.plain(toast) if toast else ""
    return Turn(toast=text, messages=(await _panel(walk),), screen=False)


async def _panel(walk: Walk, *, fresh: bool = False) -> Screen:
    jobs = await walk.store.queue.live()
    is_paused = await walk.store.machine.paused()
    lines = [*await _machine(walk, paused=is_paused), "", *_queue(walk, jobs), *await _notes(walk)]
    switch = (
        walk.button("admin.resume", Verb.ADMIN_RESUME, look="success")
        if is_paused
        else walk.button("admin.pause", Verb.ADMIN_PAUSE)
    )
    rows: tuple[Row, ...] = ((switch, walk.button("admin.refresh", Verb.ADMIN_REFRESH)), *_cancels(walk, jobs))
    return Screen(text="\n".join(lines), rows=(*rows, walk.way_home()), slot=SLOT, fresh=fresh)


async def _machine(walk: Walk, *, paused: bool) -> list[str]:
    words, facts = walk.words, walk.machine
    lines: list[str] = [words("admin.title")]
    if facts is not None and await walk.store.machine.alive():
        lines.append(
            words(
                "admin.engine.alive",
                device=facts.device,
                model=facts.model.pinned_name,
                dtype=facts.dtype,
                memory=facts.memory_mode,
            )
        )
        picture = _seconds(walk, facts.seconds_per_picture)
        lines.append(words("admin.speed", picture=picture, step=_seconds(walk, facts.seconds_per_training_step)))
    else:
        lines.append(await why_silent(walk.store, words, "admin.engine.silent"))
    if paused:
        lines.append(words("admin.paused"))
    usage = await asyncio.to_thread(shutil.disk_usage, walk.store.folder)
    lines.append(words("admin.disk", free=f"{usage.free / 1e9:.0f}"))
    lines.append(words("admin.people", count=len(await walk.store.people.all())))
    return lines


def _queue(walk: Walk, jobs: tuple[Job, ...]) -> list[str]:
    lines: list[str] = [walk.words("admin.queue")]
    if not jobs:
        lines.append(walk.words("admin.queue.empty"))
    for lane in LANE_ORDER:
        lines += _lane(walk, lane, [job for job in jobs if job.lane is lane])
    return lines


def _lane(walk: Walk, lane: Lane, jobs: list[Job]) -> list[str]:
    if not jobs:
        return []
    lines = [f"{walk.words(f'admin.lane.{lane}')}: {len(jobs)}", *(_line(walk, job) for job in jobs[:SHOWN_A_LANE])]
    if len(jobs) > SHOWN_A_LANE:
        lines.append(walk.words("admin.queue.more", count=len(jobs) - SHOWN_A_LANE))
    return lines


def _line(walk: Walk, job: Job) -> str:
    is_ending = job.wish in (Wish.STOP, Wish.CANCEL) and job.state is JobState.RUNNING
    state = walk.words("admin.state.canceling" if is_ending else f"admin.state.{job.state}")
    done, total = job.progress.done, job.progress.total
    return walk.words("admin.job", job=job.id, person=job.user, state=state, done=done, total=total or "?")


def _cancels(walk: Walk, jobs: tuple[Job, ...]) -> tuple[Row, ...]:
    buttons: list[Button] = [walk.button("admin.cancel", Verb.ADMIN_CANCEL, job.id, job=job.id) for job in jobs]
    return in_rows(buttons[:BUTTONS_FOR], COLUMNS)


async def _notes(walk: Walk) -> list[str]:
    notes = await walk.store.audit.notes(NOTES)
    if not notes:
        return []
    words = walk.words
    return ["", words("admin.notes")] + [
        words(
            "admin.note",
            when=f"{note.at:%d.%m. %H:%M} UTC",
            who=note.actor,
            what=words(f"admin.action.{note.action}", object=note.object),
        )
        for note in notes
    ]


def _seconds(walk: Walk, seconds: float | None) -> str:
    if seconds is None:
        return walk.words.plain("admin.unknown")
    return walk.words.plain("admin.seconds", seconds=f"{seconds:.1f}")


TAPS = {
    Verb.ADMIN_PAUSE: does(paused, good=Good.ADMIN),
    Verb.ADMIN_RESUME: does(resumed, good=Good.ADMIN),
    Verb.ADMIN_CANCEL: does(cancel_asked, int, good=Good.ADMIN),
    Verb.ADMIN_CANCEL_YES: does(canceled, int, good=Good.ADMIN),
    Verb.ADMIN_REFRESH: does(refreshed, good=Good.ADMIN),
}
