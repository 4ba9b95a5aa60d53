"""Which message stands for a slot."""

from __future__ import annotations

from storage.slots import Slot
from storage.states import SlotShape
from storage.store import Store
from tests.asking import ANNA


async def test_a_slot_remembers_its_message_until_it_is_dropped(store: Store) -> None:
    shown = Slot(message_id=10, shape=SlotShape.PHOTO, fingerprint="abc", buttons=False)
    await store.slots.put(ANNA, "screen", shown)
    assert await store.slots.find(ANNA, "screen") == shown
    await store.slots.drop(ANNA, "screen")
    assert await store.slots.find(ANNA, "screen") is None
