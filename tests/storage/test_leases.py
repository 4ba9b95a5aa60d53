"""The engine's side of the queue: a lease, a fencing token, and what happens when an engine dies."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from dataclasses import replace

import pytest

from storage.errors import LeaseLost, OutOfMemory
from storage.records import Job, Progress
from storage.requests import DrawnAnswer
from storage.states import JobState, Lane, Phase, PictureRole, Verdict, Wish
from tests.asking import ANNA, BORIS, LEASE_SECONDS, Desk, drawn, hunt, payload, training
from tests.clock import Clock


async def lose(desk: Desk, clock: Clock, job: Job) -> Job:
    """The lease runs out and another engine claims the job."""
    clock.advances(seconds=LEASE_SECONDS + 1)
    await desk.store.leases.reap(clock())
    clock.advances(seconds=300)
    again = await desk.claims("second")
    assert again.id == job.id
    return again


async def test_a_claim_grows_the_token_and_sets_the_lease(desk: Desk, clock: Clock) -> None:
    asked = await desk.asks(ANNA)
    job = await desk.claims("first")
    assert (job.id, job.state, job.lease_owner) == (asked.id, JobState.RUNNING, "first")
    assert job.lease_token == asked.lease_token + 1
    assert job.lease_until is not None
    assert (job.lease_until - clock()).total_seconds() == LEASE_SECONDS
    assert await desk.store.leases.claim("second", LEASE_SECONDS) is None


async def test_an_engine_that_lost_its_lease_can_write_nothing(desk: Desk, clock: Clock) -> None:
    await desk.asks(ANNA)
    old = await desk.claims("first")
    file = await desk.store.files.put(b"late", ".png")
    new = await lose(desk, clock, old)
    leases, trainings, token = desk.store.leases, desk.store.trainings, old.lease_token
    late_writes: list[Callable[[], Awaitable[object]]] = [
        lambda: leases.beat(old.id, token, LEASE_SECONDS, Progress(done=9)),
        lambda: desk.store.pictures.add(drawn(old, 0, file), token),
        lambda: trainings.record(old.id, token, losses=(), state=(1, file), checkpoint=None, progress=Progress()),
        lambda: trainings.measure(old.id, token, 1, 0.5, 0.5, 0.5),
        lambda: leases.fail(old.id, token, OutOfMemory()),
        lambda: leases.cancel_done(old.id, token),
        lambda: leases.release(old.id, token),
        lambda: leases.retry_later(old.id, token, OutOfMemory()),
        lambda: desk.finishes(old),
    ]
    for write in late_writes:
        with pytest.raises(LeaseLost):
            await write()
    assert await desk.sees(new) == new
    assert await desk.store.pictures.of_job(old.id) == ()
    assert await trainings.states(old.id) == ()


async def test_a_beat_keeps_the_lease_and_brings_back_the_wish(desk: Desk, clock: Clock) -> None:
    job = await desk.asks(ANNA)
    claimed = await desk.claims()
    for _ in range(5):
        clock.advances(seconds=LEASE_SECONDS * 0.8)
        assert await desk.store.leases.beat(job.id, claimed.lease_token, LEASE_SECONDS, Progress()) is Wish.NONE
        assert await desk.store.leases.reap(clock()) == 0
    await desk.store.queue.wish(job.id, Wish.STOP)
    assert await desk.store.leases.beat(job.id, claimed.lease_token, LEASE_SECONDS, Progress()) is Wish.STOP


async def test_a_granted_wish_is_over_and_a_newer_one_stays(desk: Desk) -> None:
    job = await desk.asks(ANNA)
    claimed = await desk.claims()
    await desk.store.queue.wish(job.id, Wish.SAMPLE)
    await desk.store.leases.acknowledge(job.id, claimed.lease_token, Wish.SAMPLE)
    assert (await desk.sees(job)).wish is Wish.NONE
    await desk.store.queue.wish(job.id, Wish.STOP)
    await desk.store.leases.acknowledge(job.id, claimed.lease_token, Wish.SAMPLE)
    assert (await desk.sees(job)).wish is Wish.STOP
    with pytest.raises(LeaseLost):
        await desk.store.leases.acknowledge(job.id, claimed.lease_token + 1, Wish.STOP)


async def test_a_wish_for_samples_does_not_undo_a_wish_to_end(desk: Desk) -> None:
    job = await desk.asks(ANNA)
    await desk.claims()
    await desk.store.queue.wish(job.id, Wish.STOP)
    await desk.store.queue.wish(job.id, Wish.SAMPLE)
    assert (await desk.sees(job)).wish is Wish.STOP


async def test_only_a_beat_with_progress_is_news(desk: Desk) -> None:
    await desk.asks(ANNA)
    job = await desk.claims()
    await desk.store.leases.beat(job.id, job.lease_token, LEASE_SECONDS, Progress())
    assert (await desk.sees(job)).version == job.version
    progress = Progress(done=1, total=4, seconds_left=2.5, phase=Phase.DRAWING)
    await desk.store.leases.beat(job.id, job.lease_token, LEASE_SECONDS, progress)
    found = await desk.sees(job)
    assert (found.version, found.progress) == (job.version + 1, progress)


async def test_a_job_whose_engine_fell_silent_waits_longer_each_time_and_is_put_aside_at_the_third(
    desk: Desk, clock: Clock
) -> None:
    asked = await desk.asks(ANNA)
    waits = []
    for death in (1, 2, 3):
        job = await desk.claims(f"engine {death}")
        clock.advances(seconds=LEASE_SECONDS + 1)
        assert await desk.store.leases.reap(clock()) == 1
        job = await desk.sees(job)
        waits.append((job.run_after - clock()).total_seconds())
        assert job.crashes == death
        clock.advances(seconds=waits[-1] - 1)
        assert await desk.store.leases.claim("early", LEASE_SECONDS) is None
        clock.advances(seconds=1)
    assert waits[:2] == [5, 30]
    job = await desk.sees(asked)
    assert (job.state, job.lease_owner, job.finished is None) == (JobState.QUARANTINED, None, False)
    other = await desk.asks(BORIS)
    assert (await desk.claims()).id == other.id
    assert await desk.store.queue.resume(asked.id)
    assert (await desk.claims()).crashes == 0


async def test_deaths_are_forgiven_when_the_job_got_on_between_them(desk: Desk) -> None:
    asked = await desk.asks(ANNA, payload(9))
    for position in range(6):
        job = await desk.claims(f"engine {position}")
        await desk.draws(job, position)
        await desk.store.leases.release_of_dead_engines("next")
    assert (await desk.sees(asked)).state is JobState.QUEUED
    for attempt in range(2):  # the next picture kills every engine; drawing an old one again is no way on
        job = await desk.claims(f"victim {attempt}")
        await desk.draws(job, 5)
        await desk.store.leases.release_of_dead_engines("next")
    assert (await desk.sees(asked)).state is JobState.QUARANTINED


async def test_a_restarted_engine_takes_its_work_back_at_once(desk: Desk) -> None:
    asked = await desk.asks(ANNA)
    await desk.claims("dead")
    assert await desk.store.leases.release_of_dead_engines("reborn") == 1
    job = await desk.claims("reborn")
    assert (job.id, job.crashes) == (asked.id, 1)
    assert await desk.store.leases.release_of_dead_engines("reborn") == 0


async def test_a_canceled_job_of_a_dead_engine_ends_instead_of_starting_again(desk: Desk) -> None:
    asked = await desk.asks(ANNA)
    await desk.claims("dead")
    await desk.store.queue.cancel(asked.id)
    await desk.store.leases.release_of_dead_engines("reborn")
    assert (await desk.sees(asked)).state is JobState.CANCELED


async def test_a_job_given_back_is_not_counted_and_goes_on_before_newer_ones(desk: Desk, clock: Clock) -> None:
    first = await desk.asks(ANNA)
    job = await desk.claims("leaving")
    await desk.asks(BORIS)
    clock.advances(seconds=1)
    await desk.store.leases.release(job.id, job.lease_token)
    again = await desk.claims("next")
    assert (again.id, again.attempt, again.crashes) == (first.id, 0, 0)


async def test_an_unexpected_error_is_tried_again_later_and_then_ends_the_job(desk: Desk, clock: Clock) -> None:
    asked = await desk.asks(ANNA)
    for seconds in (5, 30):
        job = await desk.claims()
        await desk.store.leases.retry_later(job.id, job.lease_token, OutOfMemory())
        assert ((await desk.sees(asked)).run_after - clock()).total_seconds() == seconds
        clock.advances(seconds=seconds)
    job = await desk.claims()
    await desk.store.leases.retry_later(job.id, job.lease_token, OutOfMemory(needs="9 GiB"))
    found = await desk.sees(asked)
    assert found.state is JobState.FAILED
    assert json.loads(found.error or "") == {"error": "OutOfMemory", "needs": "9 GiB"}


async def test_a_picture_drawn_twice_is_kept_once(desk: Desk) -> None:
    await desk.asks(ANNA, payload())
    job = await desk.claims()
    first = await desk.draws(job, 0)
    assert await desk.draws(job, 0) == first
    assert await desk.store.pictures.of_job(job.id) == (first,)
    assert (first.role, first.features, first.phash) == (PictureRole.CANDIDATE, (0.25, -1.5), "00ff00ff00ff00ff")


async def test_what_a_canceled_job_drew_is_thrown_away_but_for_what_was_judged(desk: Desk) -> None:
    asked = await desk.asks(ANNA, payload())
    job = await desk.claims()
    kept, other = await desk.draws(job, 0), await desk.draws(job, 1)
    assert asked.quest is not None
    await desk.store.candidates.gather(asked.quest)
    await desk.store.candidates.judge(asked.quest, kept.id, Verdict.KEPT)
    await desk.store.queue.cancel(asked.id)
    await desk.store.leases.cancel_done(job.id, job.lease_token)
    assert await desk.store.pictures.of_job(job.id) == (kept,)
    assert await desk.store.pictures.find(other.id) is None


async def test_earlier_lanes_are_served_first_and_an_engine_may_ask_for_some_lanes_only(desk: Desk) -> None:
    long, large, quick = (
        await desk.asks(ANNA, training()),
        await desk.asks(ANNA, payload()),
        await desk.asks(ANNA, hunt()),
    )
    assert (await desk.claims()).id == quick.id
    assert await desk.store.leases.claim("engine", LEASE_SECONDS, (Lane.INTERACTIVE,)) is None
    assert (await desk.claims()).id == large.id
    assert (await desk.claims()).id == long.id


async def test_a_paused_machine_claims_nothing(desk: Desk) -> None:
    await desk.asks(ANNA)
    await desk.store.machine.pause()
    assert await desk.store.leases.claim("engine", LEASE_SECONDS) is None
    await desk.store.machine.resume()
    await desk.claims()


async def test_jobs_of_people_who_are_banned_wait(desk: Desk) -> None:
    await desk.asks(ANNA)
    second = await desk.asks(BORIS)
    anna = await desk.store.people.find(ANNA)
    assert anna is not None
    await desk.store.people.save(replace(anna, banned=True))
    assert (await desk.claims()).id == second.id
    assert await desk.store.leases.claim("engine", LEASE_SECONDS) is None


async def test_the_next_persons_job_starts_after_one_that_kills_every_engine(desk: Desk, clock: Clock) -> None:
    poison = await desk.asks(ANNA)
    waiting = await desk.asks(BORIS)
    order = []
    for number in range(4):
        claimed = await desk.store.leases.claim(f"engine {number}", LEASE_SECONDS)
        assert claimed is not None
        order.append(claimed.id)
        if claimed.id == waiting.id:
            await desk.store.leases.finish(claimed.id, claimed.lease_token, DrawnAnswer(drawn=4, seconds=1.0))
        else:
            await desk.store.leases.release_of_dead_engines(f"engine {number + 1}")
        clock.advances(minutes=10)
    assert order.count(poison.id) == 3
    assert order.count(waiting.id) == 1
    assert (await desk.sees(poison)).state is JobState.QUARANTINED
    assert await desk.store.leases.claim("the next", LEASE_SECONDS) is None
