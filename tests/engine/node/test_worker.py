"""The worker with a real store and a tiny real model: who is served when, what is kept, what a kill leaves."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from engine.jobs import run
from engine.jobs.events import Drew, Finished, Stepped, Task
from engine.models.machine import Machine
from engine.node.report import persist, recall
from engine.node.worker import LEASE_SECONDS, Worker
from storage.errors import LeaseLost
from storage.records import Drawing, Job, Seed
from storage.requests import HuntRequest, PayloadRequest, Row, TryRequest, read_answer, read_request
from storage.states import JobKind, JobState, Lane, Wish
from storage.store import Store
from tests.engine.tiny_models import tiny_machine
from tests.waiting import turn

ANNA, BORIS = 1, 2
STEPS = 3


def rows(count: int, steps: int = STEPS) -> tuple[Row, ...]:
    drawing = Drawing(steps=steps, width_px=64, height_px=64)
    return tuple(
        Row(prompt="a fox", negative="", seed=Seed(number), subject="a fox", drawing=drawing) for number in range(count)
    )


@dataclass
class Studio:
    """A store with two people and an engine that a test turns by hand."""

    store: Store
    worker: Worker
    quests: dict[int, int]

    async def asks(self, who: int, request: HuntRequest | PayloadRequest | TryRequest, key: str = "") -> Job:
        return await self.store.queue.enqueue(
            request, key=key or f"{who}-{request.KIND}", quest=self.quests[who], user=who
        )

    async def state(self, job: Job) -> Job:
        found = await self.store.queue.find(job.id)
        assert found is not None
        return found

    async def turns_until(self, job: Job, state: JobState, limit: int = 400) -> int:
        for number in range(1, limit + 1):
            await self.worker.turn()
            if (await self.state(job)).state is state:
                return number
        raise AssertionError(f"{(await self.state(job)).state} after {limit} turns")

    async def files(self, job: Job) -> list[str]:
        return [picture.file for picture in await self.store.pictures.of_job(job.id)]


@asynccontextmanager
async def open_studio(folder: Path, machine: Machine | None = None) -> AsyncIterator[Studio]:
    store = await Store.open(folder)
    try:
        quests = {}
        for who in (ANNA, BORIS):
            await store.people.meet(who, who, "en")
            quests[who] = (await store.quests.begin(who, who)).id
        yield Studio(store, Worker(store, machine or tiny_machine("sd1")), quests)
    finally:
        await store.close()


@pytest.fixture
async def studio(tmp_path: Path) -> AsyncIterator[Studio]:
    async with open_studio(tmp_path / "data") as opened:
        yield opened


async def test_a_hunt_is_drawn_stored_and_answered(studio: Studio) -> None:
    job = await studio.asks(ANNA, HuntRequest(rows=rows(4)))
    await studio.turns_until(job, JobState.DONE)
    pictures = await studio.store.pictures.of_job(job.id)
    assert [picture.position for picture in pictures] == [0, 1, 2, 3]
    assert len({picture.file for picture in pictures}) == 4
    assert all(len(picture.features) == 64 and len(picture.phash) == 16 for picture in pictures)
    assert (await studio.store.files.read(pictures[0].file)).startswith(b"\x89PNG")
    answer = read_answer(JobKind.HUNT, (await studio.state(job)).answer or "")
    assert answer.drawn == 4  # type: ignore[union-attr]


async def test_a_hunt_asked_for_while_a_payload_runs_makes_the_very_next_step(studio: Studio) -> None:
    payload = await studio.asks(ANNA, PayloadRequest(rows=rows(8)))
    for _ in range(2):
        await studio.worker.turn()
    hunt = await studio.asks(BORIS, HuntRequest(rows=rows(2)))
    turns = await studio.turns_until(hunt, JobState.DONE)
    assert turns == STEPS + 2 + 1  # its own steps, pictures and answer: not one turn went to the payload
    assert (await studio.state(payload)).state is JobState.RUNNING
    await studio.turns_until(payload, JobState.DONE)
    assert len(await studio.files(payload)) == 8


async def test_giving_way_changes_no_byte_of_a_payload(studio: Studio, tmp_path: Path) -> None:
    payload = await studio.asks(ANNA, PayloadRequest(rows=rows(6)))
    await studio.worker.turn()
    hunt = await studio.asks(BORIS, HuntRequest(rows=rows(1)))
    await studio.turns_until(hunt, JobState.DONE)
    await studio.turns_until(payload, JobState.DONE)
    async with open_studio(tmp_path / "undisturbed") as other:
        alone = await other.asks(ANNA, PayloadRequest(rows=rows(6)))
        await other.turns_until(alone, JobState.DONE)
        assert await studio.files(payload) == await other.files(alone)


async def test_a_wish_to_stop_keeps_what_is_drawn(studio: Studio) -> None:
    job = await studio.asks(ANNA, PayloadRequest(rows=rows(8)))
    while not await studio.files(job):
        await studio.worker.turn()
    await studio.store.queue.wish(job.id, Wish.STOP)
    studio.worker.running[0].beaten = 0.0  # the next turn beats and hears the wish
    await studio.turns_until(job, JobState.DONE)
    kept = len(await studio.files(job))
    assert 0 < kept < 8
    answer = read_answer(JobKind.PAYLOAD, (await studio.state(job)).answer or "")
    assert answer.drawn == kept  # type: ignore[union-attr]


async def test_a_wish_to_cancel_ends_the_job_and_frees_the_engine(studio: Studio) -> None:
    job = await studio.asks(ANNA, PayloadRequest(rows=rows(8)))
    await studio.worker.turn()
    await studio.store.queue.cancel(job.id)
    studio.worker.running[0].beaten = 0.0
    await studio.turns_until(job, JobState.CANCELED)
    assert studio.worker.running == []
    hunt = await studio.asks(BORIS, HuntRequest(rows=rows(1)))
    await studio.turns_until(hunt, JobState.DONE)


async def test_a_lost_lease_ends_the_work_and_writes_nothing(studio: Studio) -> None:
    job = await studio.asks(ANNA, HuntRequest(rows=rows(2)))
    await studio.worker.turn()
    await studio.store.leases.release_of_dead_engines("another engine")
    assert await studio.store.leases.claim("another engine", LEASE_SECONDS, (Lane.INTERACTIVE,)) is not None
    while studio.worker.running:
        await studio.worker.turn()
    assert await studio.files(job) == []
    assert (await studio.state(job)).lease_owner == "another engine"


async def test_a_woken_engine_that_lost_its_lease_writes_no_row_and_no_file(studio: Studio) -> None:
    await studio.asks(ANNA, HuntRequest(rows=rows(1)))
    job = await studio.store.leases.claim("asleep", LEASE_SECONDS)
    assert job is not None
    task = await recall(studio.store, job)
    events = run(read_request(job.request), studio.worker.machine, task)
    drew = next(event for event in events if isinstance(event, Drew))
    await studio.store.leases.release_of_dead_engines("another engine")
    before = sorted(studio.store.files.folder.folder.rglob("*"))
    with pytest.raises(LeaseLost):
        await persist(studio.store, job, drew)
    assert sorted(studio.store.files.folder.folder.rglob("*")) == before
    assert await studio.files(job) == []


async def test_an_unreadable_request_fails_by_name_and_the_next_job_starts(studio: Studio) -> None:
    broken = await studio.asks(ANNA, HuntRequest(rows=rows(1)))
    async with studio.store.write():
        await studio.store.database.change("UPDATE jobs SET request = '{}' WHERE id = :id", {"id": broken.id})
    good = await studio.asks(BORIS, HuntRequest(rows=rows(1)))
    await studio.turns_until(good, JobState.DONE)
    failed = await studio.state(broken)
    assert failed.state is JobState.FAILED
    assert "UnknownRequest" in (failed.error or "")


async def test_a_crash_is_tried_again_later_and_never_shown_as_a_traceback(studio: Studio) -> None:
    no_steps = Drawing(steps=0, width_px=64, height_px=64)  # no scheduler can do that
    row = Row(prompt="a fox", negative="", seed=Seed(0), subject="", drawing=no_steps)
    job = await studio.asks(ANNA, HuntRequest(rows=(row,)))
    await studio.worker.turn()
    found = await studio.state(job)
    assert found.state is JobState.QUEUED
    assert found.attempt == 1
    assert "Traceback" not in (found.error or "")
    assert studio.worker.running == []


async def test_a_stopped_engine_gives_its_jobs_back_uncounted(studio: Studio) -> None:
    job = await studio.asks(ANNA, PayloadRequest(rows=rows(8)))
    running = asyncio.create_task(studio.worker.run())
    while not await studio.files(job):
        await turn()
    studio.worker.stop()
    await running
    found = await studio.state(job)
    assert found.state is JobState.QUEUED
    assert (found.attempt, found.crashes) == (0, 0)


async def test_the_machine_says_what_it_is(studio: Studio) -> None:
    await studio.worker.announce()
    facts = await studio.store.machine.facts()
    assert facts is not None
    assert (facts.model.family, facts.model.size_px, facts.model.prediction) == ("sd1", 64, "epsilon")
    assert b'"model"' in await studio.store.files.read(facts.model.tokenizer)


async def test_a_payload_killed_between_any_two_events_goes_on_to_the_same_bytes(studio: Studio) -> None:
    """The generator is dropped at every event k in turn; the next engine draws only what is missing."""
    request = PayloadRequest(rows=rows(5, steps=2))
    machine = tiny_machine("sd1")
    whole = {event.position: event.png for event in run(request, machine, bare_task()) if isinstance(event, Drew)}
    events = len(list(run(request, machine, bare_task())))
    for kill_at in range(events):
        kept: dict[int, bytes] = {}
        for limit in (kill_at, events):
            task = bare_task(frozenset(kept))
            for count, event in enumerate(run(request, machine, task)):
                if count == limit:
                    break
                if isinstance(event, Drew):
                    assert event.position not in kept
                    kept[event.position] = event.png
        assert kept == whole


async def test_what_is_stored_is_recalled_and_not_drawn_again(studio: Studio) -> None:
    await studio.asks(ANNA, PayloadRequest(rows=rows(5)))
    job = await studio.store.leases.claim("dying engine", LEASE_SECONDS)
    assert job is not None
    for event in run(PayloadRequest(rows=rows(5)), tiny_machine("sd1"), await recall(studio.store, job)):
        await persist(studio.store, job, event)
        if isinstance(event, Drew) and event.position == 1:
            break
    await studio.store.leases.release_of_dead_engines("next engine")
    job = await studio.store.leases.claim("next engine", LEASE_SECONDS)
    assert job is not None
    task = await recall(studio.store, job)
    assert task.drawn == {0, 1}
    events = list(run(PayloadRequest(rows=rows(5)), tiny_machine("sd1"), task))
    assert [event.position for event in events if isinstance(event, Drew)] == [2, 3, 4]
    assert isinstance(events[-1], Finished)
    assert events[-1].answer.drawn == 5  # type: ignore[union-attr]
    assert any(isinstance(event, Stepped) and event.progress.done == 2 for event in events)


def bare_task(drawn: frozenset[int] = frozenset()) -> Task:
    def read(file: str) -> bytes:
        raise AssertionError(f"no seal was asked for, yet {file} is read")

    return Task(job_id=1, read=read, drawn=drawn)
