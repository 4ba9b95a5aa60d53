"""Updates are kept before Telegram hears that we have them, and taken once."""

from __future__ import annotations

from pathlib import Path

from telegram import Bot, Update

from bot.telegram.intake import InboxQueue
from storage.store import Store
from tests.bot.telegram.phone import TOKEN, Clock

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
