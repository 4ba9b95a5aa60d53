"""Updates are kept before Telegram hears that we have them, and taken once."""

from __future__ import annotations

from pathlib import Path

from telegram import Bot, Update

from bot.rules.flood import MOST_LATELY, MOST_WAITING, WINDOW
from bot.screens import Notice
from bot.telegram.intake import InboxQueue
from bot.telegram.outgoing import enqueue
from bot.words import Words
from storage.states import Urgency
from storage.store import Store
from tests.bot.telegram.phone import TOKEN
from tests.clock import Clock

BOT = Bot(TOKEN)


def update(number: int, text: str = "/start") -> Update:
    """What Telegram delivers when somebody writes."""
    person = {"id": 7, "is_bot": False, "first_name": "Anna", "language_code": "en"}
    chat = {"id": 7, "type": "private", "first_name": "Anna"}
    message = {"message_id": number, "date": 1_790_000_000, "chat": chat, "from": person, "text": text}
    found = Update.de_json({"update_id": number, "message": message}, BOT)
    assert found is not None
    return found


async def test_an_update_that_is_delivered_twice_is_let_in_once(store: Store) -> None:
    queue = InboxQueue(store)
    for number in (1, 2, 1, 2, 3):
        await queue.put(update(number))
    taken = [queue.get_nowait() for _ in range(queue.qsize())]
    assert [one.update_id for one in taken if isinstance(one, Update)] == [1, 2, 3]


async def test_what_a_dead_process_had_taken_is_handled_by_the_next(store: Store, tmp_path: Path, clock: Clock) -> None:
    first = InboxQueue(store)
    for number in (1, 2, 3):
        await first.put(update(number, f"text {number}"))
    await store.inbox.done(1)
    again = await Store.open(tmp_path / "data", clock)
    try:
        queue = InboxQueue(again)
        assert await queue.bring_back(BOT) == 2
        brought = [queue.get_nowait() for _ in range(queue.qsize())]
        texts = [one.message.text for one in brought if isinstance(one, Update) and one.message]
        assert texts == ["text 2", "text 3"]
        await queue.put(update(2))
        assert queue.empty(), "delivered once more by Telegram, it is known"
    finally:
        await again.close()


async def test_a_kept_update_that_cannot_be_read_is_put_aside(store: Store) -> None:
    await store.inbox.take(1, 7, "{}")
    await store.inbox.take(2, 7, update(2).to_json())
    queue = InboxQueue(store)
    await queue.bring_back(BOT)
    assert queue.qsize() == 1
    assert await store.inbox.pending() == ((2, update(2).to_json()),)


async def test_the_stop_sign_of_the_library_passes_unkept(store: Store) -> None:
    queue = InboxQueue(store)
    await queue.put(None)
    assert queue.get_nowait() is None
    assert await store.inbox.pending() == ()


def from_somebody(number: int, user: int, text: str = "hello") -> Update:
    """What Telegram delivers when this person writes."""
    person = {"id": user, "is_bot": False, "first_name": "Somebody", "language_code": "ru"}
    chat = {"id": user, "type": "private", "first_name": "Somebody"}
    message = {"message_id": number, "date": 1_790_000_000, "chat": chat, "from": person, "text": text}
    found = Update.de_json({"update_id": number, "message": message}, BOT)
    assert found is not None
    return found


def taken(queue: InboxQueue) -> list[tuple[int, int]]:
    """(person, update id) of everything queued, in the order in which it is handled."""
    items = [queue.get_nowait() for _ in range(queue.qsize())]
    return [(one.effective_user.id, one.update_id) for one in items if isinstance(one, Update) and one.effective_user]


async def pending_for(store: Store, chat: int) -> list[str]:
    """Bodies of what is pending for a chat."""
    rows = await store.database.all("SELECT body FROM outbox WHERE chat_id = :chat ORDER BY id", {"chat": chat})
    return [row["body"] for row in rows]


async def test_another_persons_update_is_handled_before_the_flooders_backlog(store: Store) -> None:
    queue = InboxQueue(store)
    for number in range(1, 11):
        await queue.put(from_somebody(number, user=7))
    await queue.put(from_somebody(11, user=8))
    order = taken(queue)
    assert order.index((8, 11)) == 1
    assert [number for user, number in order if user == 7] == list(range(1, 11)), "each person's own order stays"


async def test_a_flood_is_kept_up_to_a_persons_share_and_gets_one_sentence(store: Store) -> None:
    queue = InboxQueue(store)
    for number in range(1, 301):
        await queue.put(from_somebody(number, user=7))
    assert queue.qsize() == MOST_WAITING
    assert len(await store.inbox.pending()) == MOST_WAITING, "the disk keeps no more either"
    (said,) = await pending_for(store, 7)
    assert Words("ru")("flood.too_much") in said
    await queue.put(from_somebody(301, user=8))
    assert (8, 301) in taken(queue)


async def test_a_flood_that_is_handled_quickly_ends_at_the_share_of_its_window(store: Store, clock: Clock) -> None:
    queue = InboxQueue(store)
    for number in range(1, 301):
        await queue.put(from_somebody(number, user=7))
        if queue.qsize():
            await store.inbox.done(taken(queue)[0][1])
    rows = await store.database.one("SELECT count(*) AS count FROM inbox")
    assert rows is not None
    assert rows["count"] == MOST_LATELY
    clock.advances(seconds=WINDOW.total_seconds() + 1)
    await queue.put(from_somebody(301, user=7))
    assert taken(queue) == [(7, 301)], "after a pause they are heard again"


async def test_a_restart_in_the_middle_of_a_flood_says_nothing_twice(store: Store) -> None:
    first = InboxQueue(store)
    for number in range(1, MOST_WAITING + 5):
        await first.put(from_somebody(number, user=7))
    second = InboxQueue(store)
    assert await second.bring_back(BOT) == MOST_WAITING
    await second.put(from_somebody(500, user=7))
    assert second.qsize() == MOST_WAITING
    assert len(await pending_for(store, 7)) == 1


async def test_whoever_floods_can_still_block_the_bot(store: Store) -> None:
    queue = InboxQueue(store)
    for number in range(1, MOST_WAITING + 5):
        await queue.put(from_somebody(number, user=7))
    body = {"chat": {"id": 7, "type": "private"}, "from": {"id": 7, "is_bot": False, "first_name": "Somebody"}}
    member = {"user": body["from"], "status": "member"}
    left = {"user": body["from"], "status": "kicked", "until_date": 0}
    change = {**body, "date": 1_790_000_000, "old_chat_member": member, "new_chat_member": left}
    blocked = Update.de_json({"update_id": 900, "my_chat_member": change}, BOT)
    assert blocked is not None
    await queue.put(blocked)
    assert (7, 900) in taken(queue)


async def test_the_same_notice_is_enqueued_once_while_it_waits(store: Store) -> None:
    for _ in range(5):
        await enqueue(store, 7, Notice(text="This is not asked for."), Urgency.REPLY)
    assert len(await pending_for(store, 7)) == 1
