"""Inside a lane people take turns, and the place in the queue that a person is told is the one they get."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given, settings
from hypothesis import strategies as some

from storage.store import Store
from tests.asking import ANNA, BORIS, CHUN, Desk, hunt, payload
from tests.clock import Clock


async def test_somebody_with_one_wish_does_not_wait_for_all_wishes_of_another(desk: Desk) -> None:
    for _ in range(3):
        await desk.asks(ANNA)
    await desk.asks(BORIS)
    await desk.asks(CHUN)
    assert [(await desk.claims()).user for _ in range(5)] == [ANNA, BORIS, CHUN, ANNA, ANNA]


async def test_whoever_was_served_longest_ago_is_next(desk: Desk, clock: Clock) -> None:
    for user in (ANNA, BORIS):
        await desk.asks(user)
        await desk.finishes(await desk.claims())
        clock.advances(seconds=1)
    await desk.asks(BORIS)
    await desk.asks(ANNA)
    assert [(await desk.claims()).user for _ in range(2)] == [ANNA, BORIS]


async def test_running_work_of_the_same_or_an_earlier_lane_comes_before(desk: Desk) -> None:
    await desk.asks(ANNA, payload())
    await desk.claims()
    quick, large = await desk.asks(BORIS, hunt()), await desk.asks(CHUN, payload())
    assert await desk.store.queue.waiting_before(quick.id) == 0
    assert await desk.store.queue.waiting_before(large.id) == 2
    await desk.finishes(await desk.claims())
    assert await desk.store.queue.waiting_before(large.id) == 1


asks = some.tuples(some.sampled_from([ANNA, BORIS, CHUN]), some.booleans())


@given(before=some.lists(asks, max_size=4), wishes=some.lists(asks, min_size=1, max_size=8))
@settings(max_examples=25, deadline=None)
async def test_the_place_told_is_the_place_kept(before: list[tuple[int, bool]], wishes: list[tuple[int, bool]]) -> None:
    with TemporaryDirectory() as folder:
        clock = Clock()
        store = await Store.open(Path(folder), clock)
        try:
            desk = Desk(store, clock)
            for user, is_quick in before:
                await desk.asks(user, hunt() if is_quick else payload())
                await desk.finishes(await desk.claims())
            await ask_all(desk, wishes)
            places = {job.id: await store.queue.waiting_before(job.id) for job in await store.queue.live()}
            assert sorted(places.values()) == list(range(len(places)))
            assert [(await desk.claims()).id for _ in places] == sorted(places, key=lambda job: places[job])
        finally:
            await store.close()


async def ask_all(desk: Desk, wishes: list[tuple[int, bool]]) -> None:
    for user, is_quick in wishes:
        await desk.asks(user, hunt() if is_quick else payload())
