"""Updates are taken once, handled in order, and a tap has one effect."""

from __future__ import annotations

from storage.store import Store
from tests.asking import ANNA
from tests.clock import Clock


async def test_an_update_delivered_twice_is_taken_once_also_when_it_is_done(store: Store) -> None:
    assert await store.inbox.take(5, ANNA, '{"a": 1}')
    assert not await store.inbox.take(5, ANNA, '{"a": 2}')
    assert await store.inbox.pending() == ((5, '{"a": 1}'),)
    await store.inbox.done(5)
    assert not await store.inbox.take(5, ANNA, '{"a": 3}')
    assert await store.inbox.pending() == ()
    assert not await store.inbox.is_pending(5)


async def test_what_waits_comes_in_telegrams_order(store: Store) -> None:
    for update_id in (9, 3, 7):
        await store.inbox.take(update_id, ANNA, str(update_id))
    assert [update_id for update_id, _ in await store.inbox.pending()] == [3, 7, 9]


async def test_a_handling_that_is_undone_leaves_its_update_pending(store: Store) -> None:
    await store.inbox.take(5, ANNA, "{}")
    try:
        async with store.write():
            await store.inbox.done(5)
            raise ZeroDivisionError
    except ZeroDivisionError:
        assert await store.inbox.attempted(5) == 1
    assert await store.inbox.is_pending(5)
    await store.inbox.failed(5)
    assert await store.inbox.pending() == ()


async def test_the_same_tap_again_finds_its_toast(store: Store) -> None:
    assert await store.inbox.tap_done(ANNA, 1, "hunt.pick:2:3") is None
    await store.inbox.remember_tap(ANNA, 1, "hunt.pick:2:3", "Picked 2")
    assert await store.inbox.tap_done(ANNA, 1, "hunt.pick:2:3") == "Picked 2"
    assert await store.inbox.tap_done(ANNA, 2, "hunt.pick:2:3") is None


async def test_what_was_handled_is_forgotten_after_a_week_and_what_waits_is_not(store: Store, clock: Clock) -> None:
    await store.inbox.take(1, ANNA, "handled")
    await store.inbox.done(1)
    await store.inbox.take(2, ANNA, "waits")
    await store.inbox.remember_tap(ANNA, 1, "nav.home:1", "")
    clock.advances(days=6)
    await store.tidy()
    assert not await store.inbox.take(1, ANNA, "late")
    clock.advances(days=2)
    await store.tidy()
    assert await store.inbox.tap_done(ANNA, 1, "nav.home:1") is None
    assert await store.inbox.take(1, ANNA, "a year late")
    assert [body for _, body in await store.inbox.pending()] == ["a year late", "waits"]
