"""A payload and a training in a real engine process that dies where it is told, and is started again until all is done.

Also the tools of `python -m tests.faults.drive`, which walks every N.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from storage.recipe import Recipe
from storage.records import ContentHash, Drawing, Seed
from storage.requests import PayloadRequest, Row, TrainingPicture, TrainingRequest
from storage.states import LIVE_STATES, JobKind
from storage.store import Store
from tests.waiting import until

ROOT = Path(__file__).resolve().parents[2]
KILLED = 137  # what storage.failpoints exits with, and what a shell says of kill -9
ANNA = 7
SUBJECTS = ("cat face", "fox", "pizza", "castle", "rocket")
PATIENCE_SECONDS = 240.0


@dataclass(frozen=True)
class Outcome:
    """Everything that must come out the same however often the engine died."""

    candidates: tuple[tuple[int, ContentHash], ...]
    samples: tuple[tuple[int, ContentHash], ...]
    adapters: tuple[tuple[int, ContentHash], ...]
    measures: tuple[tuple[int, float | None, float | None, float | None], ...]
    loss_steps: tuple[int, ...]
    states: tuple[str, ...]


def row(subject: str, seed: int, words: str = ", neon sign, navy blue background") -> Row:
    drawing = Drawing(steps=4)
    return Row(prompt=f"a {subject}{words}", negative="", seed=Seed(seed), subject=subject, drawing=drawing)


def palette_picture(number: int) -> bytes:
    """A 128 px picture cut from the sheet that ships with the embedded model."""
    from io import BytesIO

    from emoji_sd.recipe.judge.sheet import SUBJECTS, cut

    target = BytesIO()
    cut(SUBJECTS[number], "neon sign").save(target, "PNG")
    return target.getvalue()


async def ask(data: Path) -> None:
    """A person asks for a payload of 5 and a short training."""
    store = await Store.open(data)
    await store.people.meet(ANNA, ANNA, "en")
    quest = (await store.quests.begin(ANNA, ANNA)).id
    payload = PayloadRequest(rows=tuple(row(subject, 100 + i) for i, subject in enumerate(SUBJECTS)))
    await store.queue.enqueue(payload, key=f"payload:{quest}", quest=quest, user=ANNA)
    files = [await store.files.put(palette_picture(number), ".png") for number in range(4)]
    training = TrainingRequest(
        pictures=tuple(
            TrainingPicture(file=file, caption=f"a {subject}, ohwx", subject=subject)
            for file, subject in zip(files, SUBJECTS, strict=False)
        ),
        recipe=Recipe(rank=4, alpha=4, batch_size=2, steps=6, epochs=3, checkpoints=2, seed=Seed(5)),
        trigger="ohwx",
        name="neon",
        samples=(row("guitar", 1, ", ohwx"), row("mushroom", 2, ", ohwx")),
        proof_subjects=("guitar", "mushroom", "fox"),
    )
    await store.queue.enqueue(training, key=f"train:{quest}", quest=quest, user=ANNA)
    await store.close()


async def start_engine(data: Path, failpoint: str = "") -> asyncio.subprocess.Process:
    environment = {
        **os.environ,
        "STYLESEAL_DATA": str(data),
        "STYLESEAL_LOG_LEVEL": "WARNING",
        "STYLESEAL_FAILPOINT": failpoint,
        "OMP_NUM_THREADS": "1",
    }
    return await asyncio.create_subprocess_exec(sys.executable, "-m", "engine", env=environment, cwd=ROOT)


async def ends_or_is_done(process: asyncio.subprocess.Process, store: Store) -> None:
    """Until the engine has died or done all its work. Raises TimeoutError."""

    async def is_so() -> bool:
        return process.returncode is not None or await all_done(store)

    try:
        await until(is_so, PATIENCE_SECONDS)
    except TimeoutError:
        process.kill()
        raise


async def all_done(store: Store) -> bool:
    return not [job for job in await store.queue.live() if job.state in LIVE_STATES]


async def run_until_done(data: Path, failpoints: Sequence[str]) -> int:
    """Runs engines one after another, each with its failpoint (the last one with none), until no job is live.

    Returns how many died at their failpoint. Raises TimeoutError when the work does not end.
    """
    store = await Store.open(data)
    deaths = 0
    queue = [*failpoints, ""]
    try:
        while True:
            process = await start_engine(data, queue.pop(0) if len(queue) > 1 else queue[0])
            await ends_or_is_done(process, store)
            if process.returncode is None:
                process.terminate()
            code = await process.wait()
            assert code in (0, KILLED), code
            deaths += code == KILLED
            if await all_done(store):
                return deaths
    finally:
        await store.close()


async def outcome(data: Path) -> Outcome:
    """What came out, and that every file is whole."""
    store = await Store.open(data)
    try:
        jobs = {kind: await store.queue.latest(1, kind) for kind in (JobKind.PAYLOAD, JobKind.TRAINING)}
        payload, training = jobs[JobKind.PAYLOAD], jobs[JobKind.TRAINING]
        assert payload is not None
        assert training is not None
        candidates = await store.pictures.of_job(payload.id)
        samples = await store.pictures.of_job(training.id)
        checkpoints = await store.trainings.checkpoints(training.id)
        for file in [p.file for p in (*candidates, *samples)] + [c.adapter for c in checkpoints]:
            await store.files.read(file)  # raises when missing or damaged
        return Outcome(
            candidates=tuple((p.position, p.file) for p in candidates),
            samples=tuple((p.position, p.file) for p in samples),
            adapters=tuple((c.step, c.adapter) for c in checkpoints),
            measures=tuple((c.step, c.style_gained, c.prompt_kept, c.copying) for c in checkpoints),
            loss_steps=tuple(point.step for point in await store.trainings.losses(training.id)),
            states=(payload.state, training.state),
        )
    finally:
        await store.close()


async def whole_run(data: Path, failpoints: Sequence[str] = ()) -> tuple[Outcome, int]:
    """Asks, runs with these deaths, and tells what came out and how many deaths there were."""
    await ask(data)
    deaths = await run_until_done(data, failpoints)
    return await outcome(data), deaths
