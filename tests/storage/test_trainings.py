"""A training's rows: losses without hole or double, one state to go on from, checkpoints with what was measured."""

from __future__ import annotations

from dataclasses import replace

import pytest

from storage.records import Checkpoint, ContentHash, Job, LossPoint, Progress
from storage.states import JobState, Phase
from tests.asking import ANNA, Desk, drawn, training


@pytest.fixture
async def running(desk: Desk) -> Job:
    await desk.asks(ANNA, training())
    return await desk.claims()


async def record(
    desk: Desk, job: Job, steps: range, *, state: ContentHash | None = None, checkpoint: Checkpoint | None = None
) -> None:
    await desk.store.trainings.record(
        job.id,
        job.lease_token,
        losses=[LossPoint(step=step, loss=1 / step) for step in steps],
        state=None if state is None else (steps[-1], state),
        checkpoint=checkpoint,
        progress=Progress(done=steps[-1], total=9, phase=Phase.TRAINING),
    )


async def test_steps_walked_again_after_a_kill_are_not_doubled(desk: Desk, running: Job) -> None:
    first = await desk.store.files.put(b"state at 3", ".safetensors")
    second = await desk.store.files.put(b"state at 6", ".safetensors")
    await record(desk, running, range(1, 4), state=first)
    await record(desk, running, range(4, 6))
    assert await desk.store.trainings.states(running.id) == ((3, first),)
    await record(desk, running, range(4, 7), state=second)
    assert [point.step for point in await desk.store.trainings.losses(running.id)] == [1, 2, 3, 4, 5, 6]
    assert await desk.store.trainings.states(running.id) == ((6, second), (3, first))
    assert (await desk.sees(running)).progress.done == 6


async def test_a_state_that_cannot_be_kept_keeps_no_losses_either(desk: Desk, running: Job) -> None:
    with pytest.raises(Exception, match="FOREIGN KEY"):
        await record(desk, running, range(1, 4), state=ContentHash("0" * 64))
    assert await desk.store.trainings.losses(running.id) == ()
    assert (await desk.sees(running)).version == running.version


async def test_a_measure_belongs_to_its_checkpoint_and_outlives_the_same_checkpoint_again(
    desk: Desk, running: Job
) -> None:
    adapter = await desk.store.files.put(b"adapter", ".safetensors")
    checkpoint = Checkpoint(job=running.id, step=3, epoch=1, adapter=adapter)
    await record(desk, running, range(1, 4), checkpoint=checkpoint)
    await desk.store.trainings.measure(running.id, running.lease_token, 3, 0.7, 0.9, 0.1)
    await record(desk, running, range(1, 4), checkpoint=checkpoint)
    (found,) = await desk.store.trainings.checkpoints(running.id)
    assert (found.adapter, found.style_gained, found.prompt_kept, found.copying) == (adapter, 0.7, 0.9, 0.1)


async def test_a_training_that_got_on_forgives_earlier_deaths(desk: Desk, running: Job) -> None:
    state = await desk.store.files.put(b"state", ".safetensors")
    job = running
    for last in (3, 5, 7, 9):
        await record(desk, job, range(1, last), state=state)
        await desk.store.leases.release_of_dead_engines("next")
        job = await desk.claims("again")
        assert job.crashes == 1
    for _ in range(2):  # from here on it gets nowhere
        await record(desk, job, range(1, 9), state=state)
        await desk.store.leases.release_of_dead_engines("next")
        job = await desk.store.leases.claim("again", 60.0) or job
    assert (await desk.sees(job)).state is JobState.QUARANTINED


async def test_a_third_state_removes_the_first_from_the_disk_at_its_commit(desk: Desk, running: Job) -> None:
    files = [await desk.store.files.put(f"state at {step}".encode(), ".safetensors") for step in (2, 4, 6, 8)]
    for step, file in zip((2, 4, 6, 8), files, strict=True):
        await record(desk, running, range(1, step + 1), state=file)
    assert [desk.store.files.path(file).exists() for file in files] == [False, False, True, True]
    assert await desk.store.trainings.states(running.id) == ((8, files[3]), (6, files[2]))


@pytest.mark.parametrize("end", ["done", "canceled running", "canceled waiting", "canceled, then its engine died"])
async def test_a_training_that_is_over_leaves_no_state_on_the_disk(desk: Desk, running: Job, end: str) -> None:
    file = await desk.store.files.put(b"state", ".safetensors")
    await record(desk, running, range(1, 4), state=file)
    queue, leases = desk.store.queue, desk.store.leases
    if end == "done":
        await desk.finishes(running)
    elif end == "canceled running":
        await leases.cancel_done(running.id, running.lease_token)
    elif end == "canceled waiting":
        await leases.release(running.id, running.lease_token)
        await queue.cancel(running.id)
    else:
        await queue.cancel(running.id)
        await leases.release_of_dead_engines("another")
    assert (await desk.store.trainings.states(running.id), desk.store.files.path(file).exists()) == ((), False)


async def test_a_state_is_still_there_for_a_training_that_an_admin_may_try_again(desk: Desk, running: Job) -> None:
    file = await desk.store.files.put(b"state", ".safetensors")
    job = running
    await record(desk, job, range(1, 4), state=file)
    for _ in range(3):
        await desk.store.leases.release_of_dead_engines("another")
        job = await desk.store.leases.claim("again", 60.0) or job
    assert (await desk.sees(job)).state is JobState.QUARANTINED
    assert await desk.store.files.read(file) == b"state"


async def test_a_checkpoint_or_picture_made_again_with_other_bits_leaves_one_file(desk: Desk, running: Job) -> None:
    first, second = [await desk.store.files.put(data, ".safetensors") for data in (b"on one GPU", b"on another")]
    for adapter in (first, second):
        checkpoint = Checkpoint(job=running.id, step=3, epoch=1, adapter=adapter)
        await record(desk, running, range(1, 4), checkpoint=checkpoint)
    assert [desk.store.files.path(file).exists() for file in (first, second)] == [False, True]
    drawn_first = await desk.draws(running, 0)
    other = await desk.store.files.put(b"the same picture, its last bits differ", ".png")
    again = replace(drawn(running, 0, other), quest=running.quest or 0)
    await desk.store.pictures.add(again, running.lease_token)
    assert [desk.store.files.path(file).exists() for file in (drawn_first.file, other)] == [True, False]


async def test_a_finished_training_keeps_its_checkpoints_but_no_state(desk: Desk, running: Job) -> None:
    adapter = await desk.store.files.put(b"adapter", ".safetensors")
    checkpoint = Checkpoint(job=running.id, step=3, epoch=1, adapter=adapter)
    await record(desk, running, range(1, 4), state=adapter, checkpoint=checkpoint)
    await desk.finishes(running)
    assert await desk.store.trainings.states(running.id) == ()
    assert await desk.store.trainings.checkpoints(running.id) == (checkpoint,)
