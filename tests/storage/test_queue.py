"""Asking for work: one live job a key, quotas, canceling, holding, and what is still to be told."""

from __future__ import annotations

import pytest

from storage.errors import JobConflict, QuotaReached
from storage.states import JobKind, JobState, Wish
from tests.asking import ANNA, BORIS, Desk, hunt, payload, training
from tests.clock import Clock


async def test_the_same_key_and_request_find_the_job_that_is_there(desk: Desk) -> None:
    quest = await desk.quest_of(ANNA)
    first = await desk.store.queue.enqueue(hunt(), key="hunt:1", quest=quest.id, user=ANNA)
    again = await desk.store.queue.enqueue(hunt(), key="hunt:1", quest=quest.id, user=ANNA)
    assert again == first
    assert [job.id for job in await desk.store.queue.live()] == [first.id]


async def test_the_same_key_with_another_request_is_a_conflict(desk: Desk) -> None:
    quest = await desk.quest_of(ANNA)
    await desk.store.queue.enqueue(hunt(4), key="hunt:1", quest=quest.id, user=ANNA)
    with pytest.raises(JobConflict):
        await desk.store.queue.enqueue(hunt(5), key="hunt:1", quest=quest.id, user=ANNA)


async def test_a_key_is_free_again_when_its_job_has_ended(desk: Desk) -> None:
    quest = await desk.quest_of(ANNA)
    first = await desk.store.queue.enqueue(hunt(), key="hunt:1", quest=quest.id, user=ANNA)
    await desk.finishes(await desk.claims())
    second = await desk.store.queue.enqueue(hunt(), key="hunt:1", quest=quest.id, user=ANNA)
    assert second.id != first.id


async def test_jobs_of_a_kind_are_counted_for_each_quest_whether_they_live_or_not(desk: Desk) -> None:
    quest, other = await desk.quest_of(ANNA), await desk.quest_of(BORIS)
    for key, asked in (("a", hunt()), ("b", hunt()), ("c", payload())):
        await desk.store.queue.enqueue(asked, key=key, quest=quest.id, user=ANNA)
    await desk.finishes(await desk.claims())
    assert await desk.store.queue.count(quest.id, JobKind.HUNT) == 2
    assert await desk.store.queue.count(other.id, JobKind.HUNT) == 0


async def test_one_person_cannot_fill_the_queue_but_others_still_may_ask(desk: Desk) -> None:
    for _ in range(2):
        await desk.asks(ANNA, training(), most_live=2)
    with pytest.raises(QuotaReached) as refused:
        await desk.asks(ANNA, training(), most_live=2)
    assert refused.value.facts == {"lane": "training", "count": 2, "most": 2}
    await desk.asks(BORIS, training(), most_live=2)
    await desk.asks(ANNA, hunt(), most_live=2)  # another lane


async def test_a_refused_request_leaves_nothing_behind_in_the_handlers_transaction(desk: Desk) -> None:
    await desk.asks(ANNA, training())
    async with desk.store.write():
        await desk.store.audit.note(ANNA, "asked", "")
        with pytest.raises(QuotaReached):
            await desk.asks(ANNA, training(), most_live=1)
    assert len(await desk.store.queue.live()) == 1
    assert len(await desk.store.audit.notes()) == 1


async def test_a_waiting_job_is_canceled_at_once_and_a_running_one_is_asked(desk: Desk) -> None:
    running, waiting = await desk.asks(ANNA), await desk.asks(ANNA)
    await desk.claims()
    assert await desk.store.queue.cancel(running.id)
    assert await desk.store.queue.cancel(waiting.id)
    assert ((await desk.sees(running)).state, (await desk.sees(running)).wish) == (JobState.RUNNING, Wish.CANCEL)
    assert (await desk.sees(waiting)).state is JobState.CANCELED
    assert (await desk.sees(waiting)).finished == desk.clock()


async def test_a_cancel_is_not_softened_into_a_stop(desk: Desk) -> None:
    job = await desk.asks(ANNA)
    await desk.claims()
    await desk.store.queue.cancel(job.id)
    await desk.store.queue.wish(job.id, Wish.STOP)
    assert (await desk.sees(job)).wish is Wish.CANCEL


async def test_nothing_can_be_asked_of_a_job_that_has_ended(desk: Desk) -> None:
    job = await desk.asks(ANNA)
    await desk.finishes(await desk.claims())
    before = await desk.sees(job)
    for ask in (desk.store.queue.cancel, desk.store.queue.pause, desk.store.queue.resume):
        assert not await ask(job.id)
    assert await desk.sees(job) == before


async def test_a_held_job_is_not_claimed_until_it_is_let_go(desk: Desk) -> None:
    job = await desk.asks(ANNA)
    assert await desk.store.queue.pause(job.id)
    assert await desk.store.leases.claim("engine", 60.0) is None
    assert await desk.store.queue.resume(job.id)
    assert (await desk.claims()).id == job.id


async def test_what_was_told_is_not_told_again_until_there_is_news(desk: Desk, clock: Clock) -> None:
    job = await desk.asks(ANNA)
    (pending,) = await desk.store.queue.pending_notices()
    await desk.store.queue.notified(job.id, pending.version)
    assert await desk.store.queue.pending_notices() == ()
    await desk.finishes(await desk.claims())
    (news,) = await desk.store.queue.pending_notices()
    assert news.state is JobState.DONE
    await desk.store.queue.notified(job.id, news.version)
    await desk.store.queue.notified(job.id, pending.version)  # said late: nothing is pending by it
    assert await desk.store.queue.pending_notices() == ()


async def test_a_quests_jobs_come_newest_first_and_by_kind(desk: Desk) -> None:
    first, large, last = await desk.asks(ANNA), await desk.asks(ANNA, payload()), await desk.asks(ANNA)
    assert first.quest is not None
    assert [job.id for job in await desk.store.queue.of_quest(first.quest)] == [last.id, large.id, first.id]
    assert [job.id for job in await desk.store.queue.of_quest(first.quest, JobKind.HUNT)] == [last.id, first.id]
    assert await desk.store.queue.latest(first.quest, JobKind.PAYLOAD) == large
    assert await desk.store.queue.latest(first.quest, JobKind.TRAINING) is None
