"""What admins did is kept for a while."""

from __future__ import annotations

from storage.store import Store
from tests.asking import ANNA
from tests.clock import Clock


async def test_what_admins_did_is_kept_for_ninety_days(store: Store, clock: Clock) -> None:
    await store.audit.note(ANNA, "pause", "")
    clock.advances(days=89)
    await store.audit.note(ANNA, "cancel", "job:3")
    await store.tidy()
    assert [note.action for note in await store.audit.notes()] == ["cancel", "pause"]
    clock.advances(days=2)
    await store.tidy()
    (note,) = await store.audit.notes()
    assert (note.actor, note.action, note.object) == (ANNA, "cancel", "job:3")
