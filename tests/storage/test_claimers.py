"""Real processes that fight for the same jobs: each job is claimed once."""

from __future__ import annotations

import asyncio
import json
import sys
from collections import Counter
from pathlib import Path

import pytest

from tests.asking import Desk, hunt

ROOT = Path(__file__).resolve().parents[2]
CLAIMERS, JOBS = 8, 50
CLAIMER = """
import asyncio, json, sys
from pathlib import Path
from storage.requests import DrawnAnswer
from storage.store import Store

async def claim_all(folder, name):
    store = await Store.open(Path(folder))
    claimed = []
    while (job := await store.leases.claim(name, 60.0)) is not None:
        claimed.append((job.id, job.lease_token))
        await store.leases.finish(job.id, job.lease_token, DrawnAnswer(drawn=0, seconds=0.0))
    await store.close()
    print(json.dumps(claimed))

asyncio.run(claim_all(*sys.argv[1:]))
"""


@pytest.mark.slow
async def test_eight_engines_claim_fifty_jobs_once_each(desk: Desk, tmp_path: Path) -> None:
    desk.clock.advances(days=-3650)  # the engines live by the machine's own clock
    asked = [await desk.asks(user, hunt()) for user in range(1, JOBS // 5 + 1) for _ in range(5)]
    assert len(asked) == JOBS
    engines = [
        await asyncio.create_subprocess_exec(
            *(sys.executable, "-c", CLAIMER, str(tmp_path / "data"), f"engine {number}"),
            cwd=ROOT,
            stdout=asyncio.subprocess.PIPE,
        )
        for number in range(CLAIMERS)
    ]
    outputs = [json.loads((await engine.communicate())[0]) for engine in engines]
    claims = Counter(job_id for output in outputs for job_id, _ in output)
    assert claims == {job.id: 1 for job in asked}
    assert {token for output in outputs for _, token in output} == {1}
    assert await desk.store.queue.live() == ()
