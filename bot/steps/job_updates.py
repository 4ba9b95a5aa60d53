"""What the news of a job show: its status while it lives, then its results, or what is kept and what to do.

Runs inside one `store.write()` of the caller. Knows no Telegram.
"""

from __future__ import annotations

from dataclasses import replace

from bot.screens import SCREEN, Screen
from bot.steps import JOBS, status
from bot.steps.journey import current
from bot.steps.step import JobHooks, Messages
from bot.steps.walk import Walk
from bot.taps import Verb
from storage.records import Job
from storage.states import LIVE_STATES, JobState


async def on_job_update(walk: Walk, job: Job) -> Messages:
    """The messages for a job that lives, or has ended now; none where its quest is gone."""
    quest = await walk.store.quests.find(job.quest) if job.quest else None
    if quest is None:
        return ()
    own, hooks = replace(walk, quest=quest), JOBS[job.kind]
    if job.state in LIVE_STATES:
        return (await status.live(own, job),) if hooks.has_status else ()
    return await (_with_status if hooks.has_status else _without_status)(own, job, hooks)


async def _with_status(walk: Walk, job: Job, hooks: JobHooks) -> Messages:
    """On the quest that the person is on: how it ended, its results, and the screen that it led to."""
    before = walk.here.rev
    messages = await _ended(walk, job, hooks)
    if not _is_current(walk):
        return (await _elsewhere(walk, job),)
    if walk.here.rev != before and not any(isinstance(m, Screen) and m.slot == SCREEN for m in messages):
        messages += await current(walk, fresh=True)
    return (await status.ended(walk, job), *messages)


async def _without_status(walk: Walk, job: Job, hooks: JobHooks) -> Messages:
    """Results alone; the screen follows the last of them, so that its buttons stay in view."""
    messages = await _ended(walk, job, hooks)
    others = await walk.store.queue.of_quest(walk.here.id, job.kind)
    if _is_current(walk) and not any(other.state in LIVE_STATES for other in others):
        messages += await current(walk, fresh=True)
    return messages


async def _ended(walk: Walk, job: Job, hooks: JobHooks) -> Messages:
    return await (hooks.on_done if job.state is JobState.DONE else hooks.on_failed)(walk, job)


def _is_current(walk: Walk) -> bool:
    return walk.person.current_quest in (None, walk.here.id)


async def _elsewhere(walk: Walk, job: Job) -> Screen:
    """The news of a quest the person is not on now: one line, and the way there."""
    rows = ((walk.button("home.go_on", Verb.QUEST_OPEN, walk.here.id),),)
    screen = await status.ended(walk, job, rows=rows)
    return replace(screen, text=walk.words("status.elsewhere", name=walk.here.name) + "\n" + screen.text)
