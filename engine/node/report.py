"""The one bridge from what a job says to the store. Every write carries the lease's fencing token.

Failpoints, in the order of a job's life: after-picture-file, after-picture-row, after-trained, before-finish.
"""

from __future__ import annotations

from dataclasses import replace

import structlog

from engine.jobs.events import Drew, Event, Finished, Granted, Made, Measured, SavedCheckpoint, Task, Trained
from storage.errors import FileDamaged, FileMissing
from storage.failpoints import reach
from storage.records import Checkpoint, Job
from storage.requests import new_picture
from storage.store import Store

log = structlog.get_logger("engine")


async def recall(store: Store, job: Job) -> Task:
    """What earlier attempts of this job left, for it to go on from."""
    checkpoints = await store.trainings.checkpoints(job.id)
    state, went_back = await _newest_state(store, job)
    losses = await store.trainings.losses(job.id)
    return Task(
        job_id=job.id,
        read=store.files.folder.read,
        wish=job.wish,
        drawn=frozenset(picture.position for picture in await store.pictures.of_job(job.id)),
        state=state,
        went_back=went_back,
        # What came after the state is learnt again, to the same numbers.
        losses=tuple(point for point in losses if point.step <= (state[0] if state else 0)),
        checkpoints={checkpoint.step: checkpoint.adapter for checkpoint in checkpoints},
        measures={
            point.step: (point.style_gained, point.prompt_kept or 0.0, point.copying or 0.0)
            for point in checkpoints
            if point.style_gained is not None
        },
    )


async def _newest_state(store: Store, job: Job) -> tuple[tuple[int, bytes] | None, bool]:
    """The newest state that can be read, and whether a newer one could not; without any it is begun again."""
    went_back = False
    for step, file in await store.trainings.states(job.id):
        try:
            return (step, await store.files.read(file)), went_back
        except (FileMissing, FileDamaged) as error:
            log.warning("state damaged", job=job.id, step=step, error=type(error).__name__)
            await store.trainings.drop_state(job.id, job.lease_token, step)
            went_back = True
    return None, went_back


async def persist(store: Store, job: Job, event: Event) -> None:
    """Writes one event. Raises LeaseLost when the job is somebody else's by now; then nothing was written."""
    if isinstance(event, Drew | Trained | Made):  # their files come before their rows
        await store.fence.require(job.id, job.lease_token)
    if isinstance(event, Drew):
        await _keep_picture(store, job, event)
    elif isinstance(event, Trained):
        await _keep_training(store, job, event)
    elif isinstance(event, Measured):
        await store.trainings.measure(
            job.id,
            job.lease_token,
            event.step,
            style_gained=event.style_gained,
            prompt_kept=event.prompt_kept,
            copying=event.copying,
        )
    elif isinstance(event, Made):
        await store.files.put(event.data, event.suffix)
    elif isinstance(event, Granted):
        await store.leases.acknowledge(job.id, job.lease_token, event.wish)
    elif isinstance(event, Finished):
        reach("before-finish")
        await store.leases.finish(job.id, job.lease_token, event.answer)


async def _keep_picture(store: Store, job: Job, event: Drew) -> None:
    if job.quest is None:  # drawn for nobody: a warm-up
        return
    file = await store.files.put(event.png, ".png")
    reach("after-picture-file")
    picture = new_picture(job, event.position, event.row, file)
    picture = replace(picture, step=event.step, features=event.features, phash=event.phash)
    await store.pictures.add(picture, job.lease_token, event.progress)
    reach("after-picture-row")


async def _keep_training(store: Store, job: Job, event: Trained) -> None:
    """Losses, state and checkpoint in one transaction: a loss history without hole or double."""
    state = None
    if event.state is not None:
        step, data = event.state
        state = (step, await store.files.put(data, ".safetensors"))
    checkpoint = None
    if event.checkpoint is not None:
        checkpoint = await _keep_checkpoint(store, job, event.checkpoint)
    await store.trainings.record(
        job.id,
        job.lease_token,
        losses=event.losses,
        state=state,
        checkpoint=checkpoint,
        progress=event.progress,
    )
    reach("after-trained")


async def _keep_checkpoint(store: Store, job: Job, saved: SavedCheckpoint) -> Checkpoint:
    adapter = await store.files.put(saved.adapter, ".safetensors")
    return Checkpoint(job=job.id, step=saved.step, epoch=saved.epoch, adapter=adapter)
