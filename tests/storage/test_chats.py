"""Waits that Telegram asked for outlive a restart."""

from __future__ import annotations

from datetime import timedelta

from storage.store import Store
from tests.asking import ANNA
from tests.clock import Clock


async def test_a_wait_telegram_asked_for_outlives_a_restart_and_is_never_shortened(store: Store, clock: Clock) -> None:
    await store.chats.wait(ANNA, clock() + timedelta(seconds=37))
    await store.chats.wait(ANNA, clock() + timedelta(seconds=5))
    reopened = await Store.open(store.folder, clock)
    try:
        assert (await reopened.chats.find(ANNA)).wait_until == clock() + timedelta(seconds=37)
    finally:
        await reopened.close()
