"""kill -9 at the N-th commit and rename, for N = 1, 2, 3 … until a run meets none: nothing is lost or doubled."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from pathlib import Path

import pytest

from storage.failpoints import DIED
from storage.states import JobKind, JobState, PictureRole
from storage.store import FILES, Store
from tests.asking import ANNA

ROOT = Path(__file__).resolve().parents[2]
PICTURES = 3
MORE_THAN_ENOUGH = 100
WORK = """
import asyncio, sys
from pathlib import Path
from storage.states import JobKind
from storage.store import Store
from storage.requests import DrawnAnswer
from tests.asking import ANNA, LEASE_SECONDS, drawn, payload

async def work(folder):
    store = await Store.open(Path(folder))
    async with store.write():
        await store.people.meet(ANNA, ANNA, "en")
        quest = await store.quests.current(ANNA) or await store.quests.begin(ANNA, ANNA)
        job = await store.queue.latest(quest.id, JobKind.PAYLOAD)
        if job is None:
            await store.queue.enqueue(payload(3), key="payload", quest=quest.id, user=ANNA)
            await store.inbox.take(1, ANNA, "start")
            await store.inbox.done(1)
    await store.leases.release_of_dead_engines(sys.argv[2])
    job = await store.leases.claim(sys.argv[2], LEASE_SECONDS)
    if job is not None:
        have = {picture.position for picture in await store.pictures.of_job(job.id)}
        for position in sorted({0, 1, 2} - have):
            file = await store.files.put(f"picture {position}".encode(), ".png")
            await store.pictures.add(drawn(job, position, file), job.lease_token)
        await store.leases.finish(job.id, job.lease_token, DrawnAnswer(drawn=3, seconds=0.0))
    await store.candidates.gather(quest.id)
    await store.close()

asyncio.run(work(sys.argv[1]))
"""


def run(folder: Path, engine: str, failpoint: str = "") -> int:
    environment = {**os.environ, "STYLESEAL_FAILPOINT": failpoint}
    command = [sys.executable, "-c", WORK, str(folder), engine]
    return subprocess.run(command, cwd=ROOT, env=environment, check=False, timeout=60).returncode


async def check_whole(folder: Path) -> None:
    store = await Store.open(folder)
    try:
        assert await store.database.all("PRAGMA foreign_key_check") == []
        (quest,) = await store.quests.of(ANNA)
        (job,) = await store.queue.of_quest(quest.id, JobKind.PAYLOAD)
        assert job.state is JobState.DONE
        pictures = await store.pictures.of_quest(quest.id, PictureRole.CANDIDATE)
        assert [await store.files.read(picture.file) for picture in pictures] == [
            f"picture {position}".encode() for position in range(PICTURES)
        ]
        candidates = await store.candidates.of(quest.id)
        assert [candidate.number for candidate in candidates] == [1, 2, 3]
        assert not await store.inbox.take(1, ANNA, "again")
        named = {picture.file for picture in pictures}
        whole = {p.parent.name + p.name for p in (folder / FILES).glob("*/*") if p.suffix != ".tmp"}
        assert whole == named
    finally:
        await store.close()


@pytest.mark.slow
@pytest.mark.timeout(180)
@pytest.mark.parametrize("name", ["commit", "rename"])
def test_a_kill_at_any_point_loses_nothing_and_doubles_nothing(tmp_path: Path, name: str) -> None:
    for number in range(1, MORE_THAN_ENOUGH):
        folder = tmp_path / f"{name}-{number}"
        code = run(folder, "first", f"{name}:{number}")
        assert run(folder, "second") == 0
        asyncio.run(check_whole(folder))
        if code == 0:
            assert number > PICTURES * 2  # each picture alone is a commit or more, and a rename
            return
        assert code == DIED
    raise AssertionError("the failpoint was met in every run")
