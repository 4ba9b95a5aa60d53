"""How long a second person's hunt takes while somebody's training runs, against the same hunt alone.

Real engine process, real queue: the time runs from enqueueing to the answer's row.
"""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from statistics import median

from bench.table import Line
from storage.recipe import Recipe
from storage.records import ContentHash, Drawing, Seed
from storage.requests import HuntRequest, Row, TrainingPicture, TrainingRequest
from storage.states import JobState
from storage.store import Store

ANNA, BORIS = 1, 2
HUNTS = 5
LOOK_EVERY_SECONDS = 0.02
PALETTE_SUBJECTS = ("fox", "cat", "owl", "pizza", "castle", "rocket", "guitar", "mushroom")


def row(subject: str, seed: int) -> Row:
    """A picture as a hunt asks for it."""
    prompt = f"a {subject}, neon sign, navy blue background"
    return Row(prompt=prompt, negative="", seed=Seed(seed), subject=subject, drawing=Drawing())


@asynccontextmanager
async def engine(data: Path) -> AsyncIterator[None]:
    """A real engine process over this data folder."""
    environment = {**os.environ, "STYLESEAL_DATA": str(data), "STYLESEAL_LOG_LEVEL": "WARNING"}
    process = await asyncio.create_subprocess_exec(sys.executable, "-m", "engine", env=environment)
    try:
        yield
    finally:
        process.terminate()
        await process.wait()


async def until(store: Store, job: int, states: frozenset[JobState], seconds: float = 300) -> None:
    """Waits until the job is in one of the states. Raises TimeoutError."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        found = await store.queue.find(job)
        if found is not None and found.state in states:
            return
        if found is not None and found.state in (JobState.FAILED, JobState.QUARANTINED):
            raise RuntimeError(f"job {job} ended with {found.error}")
        await asyncio.sleep(LOOK_EVERY_SECONDS)
    raise TimeoutError(f"job {job} is not in {states}")


async def hunt_seconds(store: Store, quest: int, number: int) -> float:
    """How long one hunt of 4 takes from asking to the answer."""
    began = time.monotonic()
    request = HuntRequest(rows=tuple(row("fox", number * 10 + k) for k in range(4)))
    job = await store.queue.enqueue(request, key=f"hunt:{quest}:{number}", quest=quest, user=BORIS)
    await until(store, job.id, frozenset({JobState.DONE}))
    return time.monotonic() - began


async def begin_training(store: Store, quest: int, palette: list[ContentHash]) -> int:
    """A long training of somebody else's; returns the job."""
    pictures = tuple(
        TrainingPicture(file=file, caption=f"a {subject}, ohwx", subject=subject)
        for file, subject in zip(palette, PALETTE_SUBJECTS, strict=True)
    )
    request = TrainingRequest(
        pictures=pictures,
        recipe=Recipe(steps=4000, epochs=500, checkpoints=1),
        trigger="ohwx",
        name="bench",
        proof_subjects=("guitar", "fox"),
        samples=(row("guitar", 1),),
    )
    job = await store.queue.enqueue(request, key=f"train:{quest}", quest=quest, user=ANNA)
    return job.id


async def measure(data: Path) -> Line:
    """Hunts alone, then hunts while a training runs, in one engine."""
    store = await Store.open(data)
    async with engine(data):
        quests = []
        for person in (ANNA, BORIS):
            await store.people.meet(person, person, "en")
            quests.append((await store.quests.begin(person, person)).id)
        palette_job = await store.queue.enqueue(
            HuntRequest(rows=tuple(row(s, i) for i, s in enumerate(PALETTE_SUBJECTS))),
            key="palette",
            quest=quests[0],
            user=ANNA,
        )
        await until(store, palette_job.id, frozenset({JobState.DONE}))
        palette = [picture.file for picture in await store.pictures.of_job(palette_job.id)]
        alone = [await hunt_seconds(store, quests[1], k) for k in range(HUNTS)]
        training = await begin_training(store, quests[0], palette)
        first_step = time.monotonic()
        while not await store.trainings.losses(training) and time.monotonic() - first_step < 120:
            await asyncio.sleep(0.2)
        before = (await store.queue.find(training), time.monotonic())
        during = [await hunt_seconds(store, quests[1], HUNTS + k) for k in range(HUNTS)]
        after_hunts = time.monotonic()
        await asyncio.sleep(5)
        after = await store.queue.find(training)
        steps = max(1, (after.progress.done if after else 0) - (before[0].progress.done if before[0] else 0))
        step_seconds = (time.monotonic() - after_hunts) / steps
        await store.queue.cancel(training)
        await until(store, training, frozenset({JobState.CANCELED, JobState.DONE}))
    await store.close()
    ratio = (median(during) - step_seconds) / median(alone)
    return Line(
        "a hunt of 4 while somebody trains (less one training step)",
        median(during),
        "the same hunt alone",
        median(alone),
        ratio,
        "≤ 1.5",
        ratio <= 1.5,
        HUNTS,
    )


def main() -> Line:
    """Measures in a folder of its own."""
    with tempfile.TemporaryDirectory() as folder:
        return asyncio.run(measure(Path(folder)))


if __name__ == "__main__":
    print(main())
