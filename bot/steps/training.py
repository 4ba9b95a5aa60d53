"""Step 7: the training is asked for, looked at, stopped; its recipe and its checkpoints have rooms of their own."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace

from bot.rules.clashes import clashes, said_of
from bot.rules.naming import file_stem
from bot.rules.prompt import phrase
from bot.rules.rows import sealed_row
from bot.rules.subjects import outside
from bot.screens import Message, Screen
from bot.steps import checkpoints, numbers, recipe, status
from bot.steps.moves import Event
from bot.steps.walk import Turn, Walk
from bot.taps import Tap, Verb
from storage.recipe import Recipe
from storage.records import Candidate, Job, Seed
from storage.requests import TrainingPicture, TrainingRequest
from storage.states import LIVE_STATES, JobKind, Stage

PROOFS = 8  # subjects the measure must tell apart: guessing is right in one of eight
SAMPLE_SEED = 71  # any fixed number: samples of two checkpoints differ by training alone

enter = recipe.enter


async def show(walk: Walk) -> Screen:
    """The screen of the stage the quest is at; while it trains it is the status."""
    stage = walk.here.stage
    if stage is Stage.SEALING:
        job = await walk.store.queue.latest(walk.here.id, JobKind.TRAINING)
        if job is not None and job.state in LIVE_STATES:
            return await status.live(walk, job)
    if stage is Stage.CHECKPOINTS:
        return await checkpoints.show(walk) or await recipe.show(walk)
    if stage is Stage.NUMBERS:
        return await numbers.numbers(walk)
    if stage is Stage.REASONS:
        return await numbers.reasons(walk)
    return await recipe.show(walk)


async def started(walk: Walk, _tap: Tap) -> Turn:
    """The training is asked for; numbers that clash are refused with the reason."""
    pictures = await recipe.palette(walk)
    found = clashes(walk.here.recipe, recipe.setting_of(walk, len(pictures)))
    if found:
        return walk.refuses(f"train.clash.{found[0]}", **said_of(walk.here.recipe, len(pictures)))
    needed = recipe.disk(walk, len(pictures))
    if await asyncio.to_thread(walk.store.room.is_low, needed):
        return walk.refuses("train.no_room", megabytes=f"{needed / 1e6:,.0f}")
    asked_before = len(await walk.store.queue.of_quest(walk.here.id, JobKind.TRAINING))
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
        for index, subject in enumerate(proofs[: recipe.SAMPLES])
    )
    return TrainingRequest(
        pictures=training_pictures(pictures),
        recipe=with_class(walk),
        trigger=trigger,
        name=file_stem(quest.style.preset or quest.name),
        samples=samples,
        proof_subjects=proofs,
    )


def training_pictures(pictures: Sequence[Candidate]) -> tuple[TrainingPicture, ...]:
    """The palette as the engine trains on it."""
    return tuple(TrainingPicture(file=c.picture.file, caption=c.caption, subject=c.picture.subject) for c in pictures)


def with_class(walk: Walk) -> Recipe:
    """The recipe with the words that class pictures are drawn from: what the palette shows, without its trigger."""
    asked = walk.here.recipe
    return replace(asked, class_prompt=phrase(walk.here.subject)) if asked.class_pictures else asked


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
    has_any = await walk.store.trainings.checkpoints(job.id)
    event = Event.TRAINED if has_any else Event.TRAINING_LOST
    if walk.may(event):
        await walk.move(event)
    return ()


TAPS = {
    **recipe.TAPS,
    **numbers.TAPS,
    **checkpoints.TAPS,
    Verb.TRAIN_START: started,
    Verb.TRAIN_STOP: stopped,
    Verb.TRAIN_SAMPLE: samples_asked,
}
