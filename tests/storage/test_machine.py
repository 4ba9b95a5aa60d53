"""What the engine says of itself, whether it is alive, and whether an admin paused it."""

from __future__ import annotations

from storage.families import Family
from storage.machine import SILENT_AFTER_MS
from storage.records import ContentHash, MachineFacts, ModelFacts
from storage.store import Store
from tests.clock import Clock

MODEL = ModelFacts(
    name="emoji",
    family=Family.EMOJI,
    size_px=128,
    prediction="v_prediction",
    tokenizer=ContentHash("a" * 64),
    max_tokens=77,
)
FACTS = MachineFacts(engine="e", device="cpu", memory_mode="all", dtype="float32", model=MODEL)


async def test_a_machine_is_alive_while_it_beats(store: Store, clock: Clock) -> None:
    assert not await store.machine.alive()
    assert await store.machine.facts() is None
    await store.machine.announce(FACTS)
    assert await store.machine.facts() == FACTS
    clock.advances(milliseconds=SILENT_AFTER_MS - 1)
    assert await store.machine.alive(clock())
    clock.advances(milliseconds=1)
    assert not await store.machine.alive(clock())
    await store.machine.beat()
    assert await store.machine.alive(clock())


async def test_a_machine_can_be_paused_before_it_ever_spoke_and_stays_so(store: Store) -> None:
    await store.machine.pause()
    assert await store.machine.facts() is None
    assert not await store.machine.alive()
    await store.machine.announce(FACTS)
    assert await store.machine.paused()
    await store.machine.resume()
    assert not await store.machine.paused()
