"""Messages are owed until Telegram has them: in order, the newest drawing only, and waits outlive a restart."""

from __future__ import annotations

from datetime import timedelta

import pytest

from storage.outbox import Slot, Upload
from storage.states import SlotShape, Urgency
from storage.store import Store
from tests.asking import ANNA, BORIS
from tests.clock import Clock


async def drain(store: Store, chat_id: int = ANNA) -> list[str]:
    """Sends everything that may go."""
    bodies = []
    while (owed := await store.outbox.next_for(chat_id)) is not None:
        await store.outbox.sending(owed.id)
        await store.outbox.sent(owed.id)
        bodies.append(owed.body)
    return bodies


async def owe(store: Store, body: str, urgency: Urgency, slot: str | None = None, **how: object) -> None:
    await store.outbox.owe(ANNA, body, urgency=urgency, slot=slot, **how)  # type: ignore[arg-type]


async def test_messages_go_in_the_order_they_were_owed_and_progress_last(store: Store) -> None:
    await owe(store, "1 %", Urgency.PROGRESS, "job:1")
    await owe(store, "album", Urgency.REPLY)
    await owe(store, "done", Urgency.EVENT)
    await owe(store, "keyboard", Urgency.REPLY)
    assert await drain(store) == ["album", "done", "keyboard", "1 %"]
    assert await store.outbox.chats_with_work() == ()


async def test_answers_queue_behind_nothing(store: Store) -> None:
    await owe(store, "album", Urgency.REPLY)
    await owe(store, "toast", Urgency.ANSWER)
    assert [owed.body for owed in await store.outbox.answers()] == ["toast"]
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
    await owe(store, "old", first, "screen")
    await owe(store, "new", second, "screen", replaces=replaces)
    assert await drain(store) == left


async def test_other_slots_and_chats_and_what_is_being_sent_are_not_replaced(store: Store) -> None:
    await owe(store, "mine, elsewhere", Urgency.PROGRESS, "job:1")
    await store.outbox.owe(BORIS, "theirs", urgency=Urgency.PROGRESS, slot="screen")
    await owe(store, "under way", Urgency.REPLY, "screen")
    under_way = await store.outbox.next_for(ANNA)
    assert under_way is not None
    await store.outbox.sending(under_way.id)
    await owe(store, "new", Urgency.REPLY, "screen")
    assert await drain(store) == ["under way", "new", "mine, elsewhere"]
    assert await drain(store, BORIS) == ["theirs"]


async def test_a_key_is_owed_once_even_after_it_was_sent(store: Store) -> None:
    for _ in range(2):
        await owe(store, "your seal is ready", Urgency.EVENT, key="job:7:done")
    assert await drain(store) == ["your seal is ready"]
    await owe(store, "your seal is ready", Urgency.EVENT, key="job:7:done")
    assert await drain(store) == []


async def test_a_send_cut_short_is_made_again_and_says_so(store: Store) -> None:
    await owe(store, "album", Urgency.REPLY)
    first = await store.outbox.next_for(ANNA)
    assert first is not None
    assert not first.was_sending
    await store.outbox.sending(first.id)
    again = await store.outbox.next_for(ANNA)
    assert again is not None
    assert (again.id, again.was_sending, again.attempts) == (first.id, True, 1)


async def test_a_delayed_message_holds_up_what_was_owed_after_it(store: Store, clock: Clock) -> None:
    await owe(store, "first", Urgency.REPLY)
    await owe(store, "second", Urgency.REPLY)
    first = await store.outbox.next_for(ANNA)
    assert first is not None
    await store.outbox.later(first.id, clock() + timedelta(seconds=30), "network")
    assert await drain(store) == []
    clock.advances(seconds=30)
    assert await drain(store) == ["first", "second"]


async def test_delayed_progress_holds_up_nothing(store: Store, clock: Clock) -> None:
    await owe(store, "1 %", Urgency.PROGRESS, "job:1")
    progress = await store.outbox.next_for(ANNA)
    assert progress is not None
    await store.outbox.later(progress.id, clock() + timedelta(seconds=30))
    await owe(store, "album", Urgency.REPLY)
    assert await drain(store) == ["album"]


async def test_a_wait_telegram_asked_for_outlives_a_restart_and_is_never_shortened(store: Store, clock: Clock) -> None:
    await store.outbox.wait(ANNA, clock() + timedelta(seconds=37))
    await store.outbox.wait(ANNA, clock() + timedelta(seconds=5))
    reopened = await Store.open(store.folder, clock)
    try:
        assert (await reopened.outbox.chat(ANNA)).wait_until == clock() + timedelta(seconds=37)
    finally:
        await reopened.close()


async def test_what_is_owed_to_a_closed_chat_waits_until_it_opens(store: Store) -> None:
    await owe(store, "before", Urgency.EVENT)
    await store.outbox.close_chat(ANNA, "blocked")
    await owe(store, "while closed", Urgency.EVENT)
    assert await store.outbox.chats_with_work() == ()
    assert (await store.outbox.chat(ANNA)).closed == "blocked"
    await store.outbox.reopen_chat(ANNA)
    assert await drain(store) == ["before", "while closed"]


async def test_a_message_telegram_refuses_is_put_aside_and_the_rest_goes_on(store: Store) -> None:
    await owe(store, "too long", Urgency.REPLY)
    await owe(store, "fine", Urgency.REPLY)
    refused = await store.outbox.next_for(ANNA)
    assert refused is not None
    await store.outbox.park(refused.id, "BadRequest")
    assert await drain(store) == ["fine"]
    await store.outbox.close_chat(ANNA, "blocked")
    await store.outbox.reopen_chat(ANNA)
    assert await drain(store) == []


async def test_a_group_that_became_a_supergroup_is_written_to_at_its_new_id(store: Store) -> None:
    await owe(store, "hello", Urgency.EVENT)
    await store.outbox.set_slot(ANNA, "screen", Slot(message_id=1, shape=SlotShape.TEXT, digest="d", buttons=True))
    await store.outbox.migrate_chat(ANNA, -100_500)
    assert await drain(store) == []
    assert await drain(store, -100_500) == ["hello"]
    assert await store.outbox.slot(ANNA, "screen") is None


async def test_a_slot_remembers_its_message_until_it_is_dropped(store: Store) -> None:
    shown = Slot(message_id=10, shape=SlotShape.PHOTO, digest="abc", buttons=False)
    await store.outbox.set_slot(ANNA, "screen", shown)
    assert await store.outbox.slot(ANNA, "screen") == shown
    await store.outbox.drop_slot(ANNA, "screen")
    assert await store.outbox.slot(ANNA, "screen") is None


def with_telegram(picture: str, file_id: str, chat_id: int | None = None, bot: int = 1) -> Upload:
    """A picture that Telegram has."""
    return Upload(bot=bot, picture=picture, file_id=file_id, chat_id=chat_id)


async def test_an_upload_is_known_to_the_bot_that_made_it_and_a_newer_id_takes_its_place(store: Store) -> None:
    await store.outbox.remember_upload(with_telegram("looks", "old"))
    await store.outbox.remember_upload(with_telegram("looks", "new"))
    assert await store.outbox.upload(1, "looks") == "new"
    assert await store.outbox.upload(2, "looks") is None


async def test_forgetting_a_person_takes_their_own_uploads_and_leaves_everybodys(store: Store) -> None:
    await store.people.meet(ANNA, ANNA, "en")
    await store.outbox.remember_upload(with_telegram("looks", "everybody's"))
    await store.outbox.remember_upload(with_telegram("sheet", "Anna's", ANNA))
    await store.people.forget(ANNA)
    assert await store.outbox.upload(1, "looks") == "everybody's"
    assert await store.outbox.upload(1, "sheet") is None


async def test_uploads_are_forgotten_after_a_week(store: Store, clock: Clock) -> None:
    await store.outbox.remember_upload(with_telegram("looks", "old"))
    clock.advances(days=8)
    await store.outbox.remember_upload(with_telegram("example", "young"))
    await store.tidy()
    assert await store.outbox.upload(1, "looks") is None
    assert await store.outbox.upload(1, "example") == "young"


async def test_what_will_never_be_sent_is_forgotten_after_a_week(store: Store, clock: Clock) -> None:
    await owe(store, "event", Urgency.EVENT, key="job:1:done")
    await drain(store)
    await owe(store, "refused", Urgency.REPLY)
    refused = await store.outbox.next_for(ANNA)
    assert refused is not None
    await store.outbox.park(refused.id, "BadRequest")
    await owe(store, "still owed", Urgency.REPLY)
    clock.advances(days=8)
    await store.tidy()
    rows = await store.database.all("SELECT body FROM outbox")
    assert [row["body"] for row in rows] == ["still owed"]
