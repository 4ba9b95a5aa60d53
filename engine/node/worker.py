"""Claims jobs, steps them one at a time on the GPU thread, and reports what they say.

Knows nothing of pictures or training.
"""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TypeVar

import structlog

from engine.jobs import run
from engine.jobs.events import Event, Finished, Task
from engine.models.machine import Machine
from engine.node.lanes import choose, open_lanes
from engine.node.report import persist, recall
from engine.node.timings import Effort, Timings
from storage.beats import beat
from storage.errors import CannotWrite, LeaseLost, StylesealError
from storage.records import Job, Progress
from storage.requests import read_request
from storage.states import JobKind, Lane, Wish
from storage.store import Store
from storage.waiting import wait

LEASE_SECONDS = 60.0  # a restarted engine does not wait for it, see release_of_dead_engines
BEAT_SECONDS = 0.5  # of the job that steps: its progress and the person's wish travel with it
PAUSED_BEAT_SECONDS = 2.0  # of jobs that give way
MACHINE_BEAT_SECONDS = 2.0
REAP_SECONDS = 10.0
IDLE_SECONDS = 0.15
ROOM_SECONDS = 2.0  # between two looks whether a full disk takes something again

Result = TypeVar("Result")
log = structlog.get_logger("engine")


@dataclass(eq=False)
class Running:
    """A job under our lease, between two of its steps."""

    job: Job
    task: Task
    events: Iterator[Event]
    progress: Progress
    beaten: float = 0.0  # time.monotonic()
    effort: Effort = field(default_factory=Effort)

    @property
    def lane(self) -> Lane:
        """The lane it runs in."""
        return self.job.lane


class Worker:
    """One engine process's work loop. `stop()` may come from a signal; `run()` then returns between two steps."""

    def __init__(self, store: Store, machine: Machine, *, engine_id: str | None = None) -> None:
        self.store, self.machine = store, machine
        self.engine_id = engine_id or uuid.uuid4().hex
        self.timings = Timings()
        self.running: list[Running] = []
        self._stopping = asyncio.Event()
        self._gpu = ThreadPoolExecutor(1, thread_name_prefix="gpu")
        self._due: dict[str, float] = {}
        self._to_hold: dict[int, tuple[Job, CannotWrite]] = {}  # jobs whose waiting could not be written yet

    def stop(self) -> None:
        """Ends the work loop at the next step's end; leases are given back."""
        self._stopping.set()

    async def run(self) -> None:
        """Works until `stop()`."""
        try:
            await self._until_stopped(self._arrive)
            while not self._stopping.is_set():
                await self._until_stopped(self.turn)
        finally:
            await self._give_back()
            self._gpu.shutdown()

    async def _arrive(self) -> None:
        await self.store.leases.release_of_dead_engines(self.engine_id)
        await self.announce()
        log.info(
            "ready", model=self.machine.name, device=str(self.machine.device), memory=self.machine.memory_mode.value
        )

    async def _until_stopped(self, act: Callable[[], Awaitable[None]]) -> None:
        """Does it; while the disk takes nothing, what runs is held, and it is tried again."""
        while not self._stopping.is_set():
            try:
                await self._hold_all()
                await act()
            except CannotWrite as error:
                beat(self.store.folder, "engine")  # it is alive, only the disk is full
                self.store.room.complain(error)
                for running in tuple(self.running):
                    await self._drop(running, "cannot write")
                    self._to_hold[running.job.id] = (running.job, error)
                await self._rest(ROOM_SECONDS)
            else:
                return

    async def turn(self) -> None:
        """One turn: claims what may be claimed, lets one job make one step, keeps the leases."""
        await self._claim()
        running = choose(self.running)
        if running is None:
            await self._rest(IDLE_SECONDS)
        else:
            await self._advance(running)
        await self._keep_leases(running)
        await self._keep_house()

    async def announce(self) -> None:
        """Publishes what this machine is and how fast."""
        tokenizer = await self.store.files.put(self.machine.tokenizer_json(), ".json")
        facts = self.machine.facts(
            self.engine_id, tokenizer, picture=self.timings.picture.value, step=self.timings.step.value
        )
        await self.store.machine.announce(facts)
        self.timings.said()

    async def _claim(self) -> None:
        lanes = open_lanes(self.running)
        job = await self.store.leases.claim(self.engine_id, LEASE_SECONDS, lanes) if lanes else None
        if job is None:
            return
        log.info("claimed", job=job.id, kind=job.kind.value, token=job.lease_token, crashes=job.crashes)
        try:
            self.store.room.require()
            self.running.append(await self._begin(job))
        except StylesealError as error:
            await self._fail(job, error)

    async def _begin(self, job: Job) -> Running:
        task = await recall(self.store, job)
        events = run(read_request(job.request), self.machine, task)
        return Running(job, task, events, job.progress)

    async def _rest(self, seconds: float) -> None:
        """So long, or until `stop()`."""
        await wait(self._stopping, seconds)

    async def _advance(self, running: Running) -> None:
        """One step of one job, and what it says written down."""
        started = time.perf_counter()
        try:
            event = await self.on_gpu(lambda: next(running.events, None))
            if event is None:
                raise RuntimeError("the job ended without its answer")
            self.timings.note(running.effort, event, time.perf_counter() - started)
            await persist(self.store, running.job, event)
            running.progress = getattr(event, "progress", running.progress)
        except LeaseLost:
            await self._drop(running, "lease lost")
        except StylesealError as error:
            await self._drop(running, "failed")
            await self._fail(running.job, error)
        except Exception as error:  # whatever a job dies of, the next person's job must start
            await self._after_crash(running, error)
        else:
            if isinstance(event, Finished):
                await self._drop(running, "finished")

    async def _after_crash(self, running: Running, error: Exception) -> None:
        """The queue tries again later from what is stored, and gives up in time; people only see a short id."""
        crash = uuid.uuid4().hex[:8]
        log.error("crashed", job=running.job.id, crash=crash, exc_info=error)
        await self._drop(running, "crashed")
        try:
            await self.store.leases.retry_later(running.job.id, running.job.lease_token, StylesealError(crash=crash))
        except LeaseLost:
            log.warning("lease lost", job=running.job.id)
        except CannotWrite as reason:
            await self._hold(running.job, reason)

    async def _hold(self, job: Job, error: CannotWrite) -> None:
        """The job waits for the disk; where not even that can be written, it is written later."""
        log.warning("held", job=job.id, why=str(error))
        self._to_hold[job.id] = (job, error)
        await self._hold_all()

    async def _hold_all(self) -> None:
        for job_id, (job, error) in tuple(self._to_hold.items()):
            with suppress(LeaseLost):
                await self.store.leases.hold(job.id, job.lease_token, error)
            del self._to_hold[job_id]

    async def _fail(self, job: Job, error: StylesealError) -> None:
        """The job ends with its error; one that only met a full disk waits for room."""
        if isinstance(error, CannotWrite):
            await self._hold(job, error)
            return
        log.warning("failed", job=job.id, error=type(error).__name__)
        try:
            await self.store.leases.fail(job.id, job.lease_token, error)
        except LeaseLost:
            log.warning("lease lost", job=job.id)
        except CannotWrite as reason:  # it is begun again later, and fails again
            await self._hold(job, reason)

    async def _drop(self, running: Running, why: str) -> None:
        """Lets go of a job's generator; on the GPU thread, where its tensors live."""
        log.info("left", job=running.job.id, why=why)
        self.running.remove(running)
        await self.on_gpu(getattr(running.events, "close", lambda: None))

    async def _keep_leases(self, stepped: Running | None) -> None:
        now = time.monotonic()
        for running in tuple(self.running):
            if now - running.beaten < (BEAT_SECONDS if running is stepped else PAUSED_BEAT_SECONDS):
                continue
            running.beaten = now
            try:
                await self._beat(running)
            except LeaseLost:
                await self._drop(running, "lease lost")

    async def _beat(self, running: Running) -> None:
        job = running.job
        running.task.wish = await self.store.leases.beat(job.id, job.lease_token, LEASE_SECONDS, running.progress)
        if running.task.wish is Wish.CANCEL:
            await self._drop(running, "canceled")
            try:
                await self.store.leases.cancel_done(job.id, job.lease_token)
            except CannotWrite as reason:
                await self._hold(job, reason)

    async def _keep_house(self) -> None:
        if self._is_due("machine", MACHINE_BEAT_SECONDS):
            beat(self.store.folder, "engine")
            await self.store.machine.beat()
        if self._is_due("reap", REAP_SECONDS):
            await self.store.leases.reap()
        if self._is_due("room", ROOM_SECONDS):
            await self.store.leases.release_held()
        if self.timings.worth_saying:
            await self.announce()

    def _is_due(self, what: str, every_seconds: float) -> bool:
        now = time.monotonic()
        if now < self._due.get(what, 0.0):
            return False
        self._due[what] = now + every_seconds
        return True

    async def _give_back(self) -> None:
        for running in tuple(self.running):
            if running.job.kind is JobKind.TRAINING:
                await self._keep_state(running)
            await self._drop(running, "engine stops")
            with suppress(LeaseLost, CannotWrite):  # what is not given back is taken back by the next engine
                await self.store.leases.release(running.job.id, running.job.lease_token)

    async def _keep_state(self, running: Running) -> None:
        """Lets a training say where it is, so that the next engine repeats no finished step."""
        running.task.stopping = True
        try:
            while (event := await self.on_gpu(lambda: next(running.events, None))) is not None:
                await persist(self.store, running.job, event)
        except Exception as error:  # it goes on from the state before; the engine must end
            log.warning("state not kept", job=running.job.id, error=type(error).__name__)

    async def on_gpu(self, work: Callable[[], Result]) -> Result:
        """Runs this on the one thread that touches the model."""
        return await asyncio.get_running_loop().run_in_executor(self._gpu, work)
