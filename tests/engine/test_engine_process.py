"""The real process: it works, it stops between two steps when asked, and gives back what it has not finished."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from storage.records import Drawing, Seed
from storage.requests import PayloadRequest, Row
from storage.states import JobState
from storage.store import Store
from tests.engine.tiny_models import tiny_folder

ROOT = Path(__file__).resolve().parents[2]
PATIENCE_SECONDS = 60.0
ANNA = 1

pytestmark = pytest.mark.slow


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    opened = await Store.open(tmp_path)
    yield opened
    await opened.close()


async def test_a_stopped_engine_exits_cleanly_and_the_job_waits_for_the_next(store: Store) -> None:
    await store.people.meet(ANNA, ANNA, "en")
    quest = (await store.quests.begin(ANNA, ANNA)).id
    drawing = Drawing(steps=50, width_px=64, height_px=64)
    rows = tuple(Row(prompt="a fox", negative="", seed=Seed(n), subject="", drawing=drawing) for n in range(100))
    job = await store.jobs.enqueue(PayloadRequest(rows=rows), key="payload", quest=quest, user=ANNA)
    environment = {
        **os.environ,
        "STYLESEAL_DATA": str(store.folder),
        "STYLESEAL_MODEL": str(tiny_folder("sd1")),
        "STYLESEAL_DEVICE": "cpu",
        "OMP_NUM_THREADS": "1",
    }
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "engine", env=environment, cwd=ROOT, stderr=asyncio.subprocess.PIPE
    )
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not await store.pictures.of_job(job.id):
        assert time.monotonic() < deadline, "no picture came"
        assert process.returncode is None, await said(process)
        await asyncio.sleep(0.1)
    process.send_signal(signal.SIGTERM)
    lines = await said(process)
    found = await store.jobs.find(job.id)
    assert found is not None
    assert (process.returncode, found.state, found.attempt, found.deaths) == (0, JobState.QUEUED, 0, 0), lines
    assert '"event": "ready"' in lines
    assert "Traceback" not in lines


async def said(process: asyncio.subprocess.Process) -> str:
    """Waits for its end; everything it wrote to stderr."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        _, errors = await process.communicate()
    return errors.decode()
