"""Messages are pending until Telegram has them: in order, the newest drawing only, and waits outlive a restart."""

from __future__ import annotations

from datetime import timedelta

import pytest

from storage.slots import Slot
from storage.states import Urgency
from storage.store import Store
from tests.asking import ANNA, BORIS
from tests.clock import Clock


async def drain(store: Store, chat_id: int = ANNA) -> list[str]:
    """Sends everything that may go."""
    bodies = []
    while (pending := await store.outbox.next_for(chat_id)) is not None:
        await store.outbox.sending(pending.id)
        await store.outbox.sent(pending.id)
        bodies.append(pending.body)
    return bodies


async def enqueue(store: Store, body: str, urgency: Urgency, slot: str | None = None, **how: object) -> None:
    await store.outbox.enqueue(ANNA, body, urgency=urgency, slot=slot, **how)  # type: ignore[arg-type]


async def test_messages_go_in_the_order_they_were_enqueued_and_progress_last(store: Store) -> None:
    await enqueue(store, "1 %", Urgency.PROGRESS, "job:1")
    await enqueue(store, "album", Urgency.REPLY)
    await enqueue(store, "done", Urgency.EVENT)
    await enqueue(store, "keyboard", Urgency.REPLY)
    assert await drain(store) == ["album", "done", "keyboard", "1 %"]
    assert await store.outbox.chats_with_pending() == ()


async def test_answers_queue_behind_nothing(store: Store) -> None:
    await enqueue(store, "album", Urgency.REPLY)
    await enqueue(store, "toast", Urgency.ANSWER)
    assert [pending.body for pending in await store.outbox.answers()] == ["toast"]
    assert await drain(store) == ["album"]


@pytest.mark.parametrize(
    ("first", "second", "replaces", "left"),
    [
        (Urgency.PROGRESS, Urgency.PROGRESS, True, ["new"]),
        (Urgency.PROGRESS, Urgency.REPLY, True, ["new"]),
        (Urgency.PROGRESS, Urgency.REPLY, False, ["new"]),
        (Urgency.REPLY, Urgency.REPLY, True, ["new"]),
        (Urgency.REPLY, Urgency.REPLY, False, ["old", "new"]),
        (Urgency.REPLY, Urgency.PROGRESS, True, ["old", "new"]),
        (Urgency.EVENT, Urgency.REPLY, True, ["old", "new"]),
        (Urgency.EVENT, Urgency.PROGRESS, True, ["old", "new"]),
    ],
)
async def test_a_newer_drawing_of_a_slot_replaces_what_nobody_has_seen(
    store: Store, first: Urgency, second: Urgency, replaces: bool, left: list[str]
) -> None:
    await enqueue(store, "old", first, "screen")
    await enqueue(store, "new", second, "screen", replaces=replaces)
    assert await drain(store) == left


async def test_other_slots_and_chats_and_what_is_being_sent_are_not_replaced(store: Store) -> None:
    await enqueue(store, "mine, elsewhere", Urgency.PROGRESS, "job:1")
    await store.outbox.enqueue(BORIS, "theirs", urgency=Urgency.PROGRESS, slot="screen")
    await enqueue(store, "under way", Urgency.REPLY, "screen")
    under_way = await store.outbox.next_for(ANNA)
    assert under_way is not None
    await store.outbox.sending(under_way.id)
    await enqueue(store, "new", Urgency.REPLY, "screen")
    assert await drain(store) == ["under way", "new", "mine, elsewhere"]
    assert await drain(store, BORIS) == ["theirs"]


async def test_a_key_is_enqueued_once_even_after_it_was_sent(store: Store) -> None:
    for _ in range(2):
        await enqueue(store, "your seal is ready", Urgency.EVENT, key="job:7:done")
    assert await drain(store) == ["your seal is ready"]
    await enqueue(store, "your seal is ready", Urgency.EVENT, key="job:7:done")
    assert await drain(store) == []


async def test_a_send_cut_short_is_made_again_and_says_so(store: Store) -> None:
    await enqueue(store, "album", Urgency.REPLY)
    first = await store.outbox.next_for(ANNA)
    assert first is not None
    assert not first.was_sending
    await store.outbox.sending(first.id)
    again = await store.outbox.next_for(ANNA)
    assert again is not None
    assert (again.id, again.was_sending, again.attempts) == (first.id, True, 1)


async def test_a_delayed_message_holds_up_what_was_enqueued_after_it(store: Store, clock: Clock) -> None:
    await enqueue(store, "first", Urgency.REPLY)
    await enqueue(store, "second", Urgency.REPLY)
    first = await store.outbox.next_for(ANNA)
    assert first is not None
    await store.outbox.later(first.id, clock() + timedelta(seconds=30), "network")
    assert await drain(store) == []
    clock.advances(seconds=30)
    assert await drain(store) == ["first", "second"]


async def test_delayed_progress_holds_up_nothing(store: Store, clock: Clock) -> None:
    await enqueue(store, "1 %", Urgency.PROGRESS, "job:1")
    progress = await store.outbox.next_for(ANNA)
    assert progress is not None
    await store.outbox.later(progress.id, clock() + timedelta(seconds=30))
    await enqueue(store, "album", Urgency.REPLY)
    assert await drain(store) == ["album"]


async def test_what_is_pending_for_a_closed_chat_waits_until_it_opens(store: Store) -> None:
    await enqueue(store, "before", Urgency.EVENT)
    await store.chats.close(ANNA, "blocked")
    await enqueue(store, "while closed", Urgency.EVENT)
    assert await store.outbox.chats_with_pending() == ()
    assert (await store.chats.find(ANNA)).closed == "blocked"
    await store.chats.reopen(ANNA)
    assert await drain(store) == ["before", "while closed"]


async def test_a_message_telegram_refuses_is_put_aside_and_the_rest_goes_on(store: Store) -> None:
    await enqueue(store, "too long", Urgency.REPLY)
    await enqueue(store, "fine", Urgency.REPLY)
    refused = await store.outbox.next_for(ANNA)
    assert refused is not None
    await store.outbox.dead_letter(refused.id, "BadRequest")
    assert await drain(store) == ["fine"]
    await store.chats.close(ANNA, "blocked")
    await store.chats.reopen(ANNA)
    assert await drain(store) == []


async def test_a_group_that_became_a_supergroup_is_written_to_at_its_new_id(store: Store) -> None:
    await enqueue(store, "hello", Urgency.EVENT)
    await store.slots.put(ANNA, "screen", Slot(message_id=1))
    await store.chats.migrate(ANNA, -100_500)
    assert await drain(store) == []
    assert await drain(store, -100_500) == ["hello"]
    assert await store.slots.find(ANNA, "screen") is None


async def test_what_will_never_be_sent_is_forgotten_after_a_week(store: Store, clock: Clock) -> None:
    await enqueue(store, "event", Urgency.EVENT, key="job:1:done")
    await drain(store)
    await enqueue(store, "refused", Urgency.REPLY)
    refused = await store.outbox.next_for(ANNA)
    assert refused is not None
    await store.outbox.dead_letter(refused.id, "BadRequest")
    await enqueue(store, "still pending", Urgency.REPLY)
    clock.advances(days=8)
    await store.tidy()
    rows = await store.database.all("SELECT body FROM outbox")
    assert [row["body"] for row in rows] == ["still pending"]
