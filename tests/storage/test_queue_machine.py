"""Whatever people, engines and the clock do: a job is held by one engine, moves as drawn, and ends once."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import settings
from hypothesis import strategies as some
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from storage.errors import LeaseLost, QuotaReached
from storage.leases import MAX_CRASHES
from storage.records import Job, Progress
from storage.states import LIVE_STATES, JobState
from storage.store import Store
from tests.asking import ANNA, BORIS, LEASE_SECONDS, Desk, hunt, payload
from tests.clock import Clock

engines = some.sampled_from(["north", "south"])
people = some.sampled_from([ANNA, BORIS])
MOVES = {
    JobState.QUEUED: frozenset({JobState.RUNNING, JobState.WAITING, JobState.CANCELED, JobState.QUARANTINED}),
    JobState.RUNNING: frozenset(
        {JobState.QUEUED, JobState.DONE, JobState.FAILED, JobState.CANCELED, JobState.QUARANTINED, JobState.WAITING}
    ),
    JobState.WAITING: frozenset({JobState.QUEUED, JobState.CANCELED}),
    JobState.DONE: frozenset(),
    JobState.FAILED: frozenset(),
    JobState.CANCELED: frozenset(),
    JobState.QUARANTINED: frozenset({JobState.QUEUED}),  # an admin may try again
}
"""What one rule may do to a job."""


class Queue(RuleBasedStateMachine):
    """Two engines and two people around one real database."""

    @initialize()
    def open(self) -> None:
        self.loop = asyncio.new_event_loop()
        self.folder = TemporaryDirectory()
        self.clock = Clock()
        self.store = self.loop.run_until_complete(Store.open(Path(self.folder.name), self.clock))
        self.desk = Desk(self.store, self.clock)
        self.seen: dict[int, Job] = {}
        self.held: list[Job] = []  # every claim ever made, also those that are lost

    def teardown(self) -> None:
        self.loop.run_until_complete(self.store.close())
        self.loop.close()
        self.folder.cleanup()

    @rule(user=people, is_quick=some.booleans())
    def ask(self, user: int, is_quick: bool) -> None:
        with suppress(QuotaReached):
            self.loop.run_until_complete(self.desk.asks(user, hunt() if is_quick else payload(), most_live=2))

    @rule(engine=engines)
    def claim(self, engine: str) -> None:
        job = self.loop.run_until_complete(self.store.leases.claim(engine, LEASE_SECONDS))
        if job is None:
            return
        assert all(job.lease_token > other.lease_token for other in self.held if other.id == job.id)
        self.held.append(job)

    @rule(data=some.data(), how=some.sampled_from(["beat", "draw", "finish", "give back", "fail"]))
    def work(self, data: some.DataObject, how: str) -> None:
        if not self.held:
            return
        job = data.draw(some.sampled_from(self.held))
        now = self.loop.run_until_complete(self.desk.sees(job))
        holds = now.state is JobState.RUNNING and now.lease_token == job.lease_token
        try:
            self.loop.run_until_complete(self.do(job, how))
        except LeaseLost:
            assert not holds
            assert self.loop.run_until_complete(self.desk.sees(job)) == now
        else:
            assert holds

    async def do(self, job: Job, how: str) -> None:
        leases, token = self.store.leases, job.lease_token
        if how == "beat":
            await leases.beat(job.id, token, LEASE_SECONDS, Progress(done=1))
        elif how == "draw":
            await self.desk.draws(job, 0)
        elif how == "finish":
            await self.desk.finishes(job)
        elif how == "give back":
            await leases.release(job.id, token)
        else:
            await leases.cancel_done(job.id, token)

    @rule(data=some.data(), how=some.sampled_from(["cancel", "pause", "resume"]))
    def meddle(self, data: some.DataObject, how: str) -> None:
        if self.seen:
            job_id = data.draw(some.sampled_from(sorted(self.seen)))
            self.loop.run_until_complete(getattr(self.store.queue, how)(job_id))

    @rule(seconds=some.sampled_from([1, 10, 61, 200]))
    def time_passes(self, seconds: int) -> None:
        self.clock.advances(seconds=seconds)
        self.loop.run_until_complete(self.store.leases.reap(self.clock()))

    @rule(engine=engines)
    def restart(self, engine: str) -> None:
        self.loop.run_until_complete(self.store.leases.release_of_dead_engines(engine))

    @invariant()
    def every_job_moves_as_drawn(self) -> None:
        if not hasattr(self, "store"):
            return
        for job in self.loop.run_until_complete(self.all_jobs()):
            before = self.seen.get(job.id)
            if before is not None:
                assert job.version >= before.version
                if before.state is not job.state:
                    assert job.state in MOVES[before.state], (before.state, job.state)
                    assert job.version > before.version
            assert (job.lease_owner is not None) == (job.state is JobState.RUNNING)
            assert (job.finished is None) == (job.state in LIVE_STATES)
            assert job.crashes < MAX_CRASHES or job.state is JobState.QUARANTINED or job.state is JobState.CANCELED
            self.seen[job.id] = job

    async def all_jobs(self) -> tuple[Job, ...]:
        quests = [quest for user in (ANNA, BORIS) for quest in await self.store.quests.of(user)]
        return tuple([job for quest in quests for job in await self.store.queue.of_quest(quest.id)])


Queue.TestCase.settings = settings(max_examples=25, stateful_step_count=25, deadline=None)
TestQueue = Queue.TestCase
