"""What the engine finds of a training's states: the newest that can be read, and a word about one that cannot."""

from __future__ import annotations

import pytest

from engine.jobs.attempt import Attempt
from engine.node.report import recall
from storage.records import Job, LossPoint, Progress
from storage.requests import read_request
from storage.states import Phase
from tests.asking import ANNA, Desk, training
from tests.engine.tiny_models import tiny_machine


async def saved_thrice(desk: Desk) -> Job:
    """A training whose state was kept at steps 10, 20 and 30, and whose losses are known up to 35."""
    await desk.asks(ANNA, training())
    job = await desk.claims()
    for step in (10, 20, 30, 35):
        file = await desk.store.files.put(f"state at {step}".encode(), ".safetensors")
        await desk.store.trainings.record(
            job.id,
            job.lease_token,
            losses=[LossPoint(step=one, loss=1.0) for one in range(step - 9, step + 1)],
            state=(step, file) if step != 35 else None,
            checkpoint=None,
            progress=Progress(done=step, total=40, phase=Phase.TRAINING),
        )
    return job


async def spoil(desk: Desk, job: Job, number: int, how: str) -> None:
    path = desk.store.files.path((await desk.store.trainings.states(job.id))[number][1])
    if how == "gone":
        path.unlink()
        return
    data = bytearray(path.read_bytes())
    data[0] ^= 1
    path.write_bytes(data)


@pytest.mark.parametrize("how", ["one bit flipped", "gone"])
async def test_a_damaged_newest_state_costs_the_steps_since_the_one_before(desk: Desk, how: str) -> None:
    job = await saved_thrice(desk)
    await spoil(desk, job, 0, how)
    task = await recall(desk.store, job)
    assert task.state == (20, b"state at 20")
    assert [point.step for point in task.losses] == list(range(1, 21))
    this = Attempt(read_request(job.request), tiny_machine("sd1"), task)  # type: ignore[arg-type]
    assert this.progress(20, Phase.TRAINING).went_back_to == 20
    assert [step for step, _ in await desk.store.trainings.states(job.id)] == [20]


async def test_an_unspoilt_state_is_gone_on_from_without_a_word(desk: Desk) -> None:
    job = await saved_thrice(desk)
    task = await recall(desk.store, job)
    assert task.state == (30, b"state at 30")
    assert [point.step for point in task.losses] == list(range(1, 31))
    this = Attempt(read_request(job.request), tiny_machine("sd1"), task)  # type: ignore[arg-type]
    assert this.progress(30, Phase.TRAINING).went_back_to is None


async def test_with_both_states_damaged_it_begins_again_and_says_so(desk: Desk) -> None:
    job = await saved_thrice(desk)
    for number in (0, 1):
        await spoil(desk, job, number, "one bit flipped")
    task = await recall(desk.store, job)
    assert (task.state, task.went_back, task.losses) == (None, True, ())
