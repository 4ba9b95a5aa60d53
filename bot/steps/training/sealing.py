"""Step 7's training: asked for, sampled, stopped, ended."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace

from bot.rules.clashes import clashes, said_of
from bot.rules.naming import file_stem
from bot.rules.prompt import phrase
from bot.rules.rows import sealed_row
from bot.rules.subjects import outside
from bot.steps import status
from bot.steps.moves import Event
from bot.steps.step import Messages
from bot.steps.training import recipe
from bot.steps.walk import Turn, Walk
from storage.recipe import Recipe
from storage.records import Candidate, Job, Seed
from storage.requests import TrainingPicture, TrainingRequest
from storage.states import LIVE_STATES, JobKind, JobState, Wish

PROOFS = 8  # subjects the measure must tell apart: guessing is right in one of eight
SAMPLE_SEED = 71  # any fixed number: samples of two checkpoints differ by training alone


async def started(walk: Walk) -> Turn:
    """The training is asked for; numbers that clash are refused with the reason."""
    pictures = await walk.palette()
    found = clashes(walk.here.recipe, recipe.setting_of(walk, len(pictures)))
    if found:
        return walk.refuses(f"train.clash.{found[0]}", **said_of(walk.here.recipe, len(pictures)))
    needed = recipe.disk(walk, len(pictures))
    if await asyncio.to_thread(walk.store.room.is_low, needed):
        return walk.refuses("train.no_room", megabytes=f"{needed / 1e6:,.0f}")
    await walk.ask_and_move(Event.TRAINING_ASKED, request_of(walk, pictures))
    return Turn(fresh=True)


def request_of(walk: Walk, pictures: Sequence[Candidate]) -> TrainingRequest:
    """The palette with its captions, the numbers, and samples of subjects that the palette does not hold."""
    quest = walk.here
    trigger = quest.style.trigger
    known = walk.library.subjects[type(quest.style.kind).STYLE]
    proofs = outside(known, [candidate.picture.subject for candidate in pictures], PROOFS)
    samples = tuple(
        sealed_row(subject, trigger, Seed(SAMPLE_SEED + index), quest.style.drawing)
        for index, subject in enumerate(proofs[: recipe.SAMPLES])
    )
    return TrainingRequest(
        pictures=tuple(
            TrainingPicture(file=c.picture.file, caption=c.caption, subject=c.picture.subject) for c in pictures
        ),
        recipe=with_class(walk),
        trigger=trigger,
        name=file_stem(quest.style.preset or quest.name),
        samples=samples,
        proof_subjects=proofs,
    )


def with_class(walk: Walk) -> Recipe:
    """The recipe with the words that class pictures are drawn from: what the palette shows, without its trigger."""
    asked = walk.here.recipe
    return replace(asked, class_prompt=phrase(walk.here.subject)) if asked.class_pictures else asked


async def stopped(walk: Walk) -> Turn:
    """Ends early and keeps the checkpoints there are."""
    return await status.stop(walk, JobKind.TRAINING)


async def samples_asked(walk: Walk) -> Turn:
    """The running training draws its samples at its next pause; before its first step there is nothing to draw."""
    job = await walk.store.queue.latest(walk.here.id, JobKind.TRAINING)
    if job is None or job.state not in LIVE_STATES:
        return walk.refuses("job.over")
    if job.state is not JobState.RUNNING or not job.progress.done:
        return walk.refuses("train.sample.early")
    if job.wish is not Wish.NONE:
        return walk.refuses("train.sample.wished" if job.wish is Wish.SAMPLE else "status.stopping")
    await walk.store.queue.wish(job.id, Wish.SAMPLE)
    return Turn(toast=walk.words.plain("train.sample.soon"), screen=False)


async def on_ended(walk: Walk, job: Job) -> Messages:
    """Checkpoints that there are can be chosen from; without any the recipe is shown again."""
    has_any = await walk.store.trainings.checkpoints(job.id)
    event = Event.TRAINED if has_any else Event.TRAINING_LOST
    if walk.may(event):
        await walk.move(event)
    return ()
