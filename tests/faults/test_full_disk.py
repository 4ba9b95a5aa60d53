"""A disk that fills while an engine draws, and is emptied again: nothing ends, nothing is counted, nothing is lost."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from storage.records import Job
from storage.states import JobState
from storage.store import Store
from tests.faults.engine_runs import all_done, ask, outcome, start_engine
from tests.waiting import until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    mounted = subprocess.run(
        ["/usr/bin/env", "mount", "-t", "tmpfs", "-o", "size=64m", "tmpfs", str(tmp_path)],
        check=False,
        capture_output=True,
    )
    if mounted.returncode:
        pytest.skip("only root may mount a disk of its own")
    yield tmp_path
    subprocess.run(["/usr/bin/env", "umount", "-l", str(tmp_path)], check=True)


def fill(path: Path) -> None:
    handle = os.open(path, os.O_CREAT | os.O_WRONLY)
    with suppress(OSError):
        while True:
            os.write(handle, b"\0" * 4096)
    os.close(handle)


async def test_work_waits_while_the_disk_is_full_and_goes_on_by_itself(small_disk: Path) -> None:
    await ask(small_disk / "data")
    store = await Store.open(small_disk / "data")

    async def has_begun() -> bool:
        return any(job.progress.done for job in await store.queue.live())

    async def all_that_wait() -> tuple[Job, ...]:
        jobs = await store.queue.live()
        return jobs if all(job.state is JobState.WAITING for job in jobs) else ()

    engine = await start_engine(small_disk / "data")
    try:
        await until(has_begun, 120.0, by=engine.wait())
        fill(small_disk / "filler")
        held = await until(all_that_wait, 120.0, by=engine.wait())
        assert {(job.attempt, job.crashes, "NoRoom" in (job.error or "")) for job in held} == {(0, 0, True)}
        assert engine.returncode is None
        (small_disk / "filler").unlink()
        await until(lambda: all_done(store), 120.0, by=engine.wait())
    finally:
        await store.close()
        engine.terminate()
        await engine.wait()
    assert (await outcome(small_disk / "data")).states == ("done", "done")
