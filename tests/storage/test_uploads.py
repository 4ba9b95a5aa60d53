"""Pictures that Telegram has are known by the bot that uploaded them, for a while."""

from __future__ import annotations

from storage.store import Store
from storage.uploads import Upload
from tests.asking import ANNA
from tests.clock import Clock


def with_telegram(picture: str, file_id: str, chat_id: int | None = None, bot: int = 1) -> Upload:
    """A picture that Telegram has."""
    return Upload(bot=bot, picture=picture, file_id=file_id, chat_id=chat_id)


async def test_an_upload_is_known_to_the_bot_that_made_it_and_a_newer_id_takes_its_place(store: Store) -> None:
    await store.uploads.remember(with_telegram("looks", "old"))
    await store.uploads.remember(with_telegram("looks", "new"))
    assert await store.uploads.find(1, "looks") == "new"
    assert await store.uploads.find(2, "looks") is None


async def test_forgetting_a_person_takes_their_own_uploads_and_leaves_everybodys(store: Store) -> None:
    await store.people.meet(ANNA, ANNA, "en")
    await store.uploads.remember(with_telegram("looks", "everybody's"))
    await store.uploads.remember(with_telegram("sheet", "Anna's", ANNA))
    await store.people.forget(ANNA)
    assert await store.uploads.find(1, "looks") == "everybody's"
    assert await store.uploads.find(1, "sheet") is None


async def test_uploads_are_forgotten_after_a_week(store: Store, clock: Clock) -> None:
    await store.uploads.remember(with_telegram("looks", "old"))
    clock.advances(days=8)
    await store.uploads.remember(with_telegram("example", "young"))
    await store.tidy()
    assert await store.uploads.find(1, "looks") is None
    assert await store.uploads.find(1, "example") == "young"
