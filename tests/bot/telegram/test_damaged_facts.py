"""What the engine left behind and nobody can read any more stops no update."""

from __future__ import annotations

import pytest
import structlog

from bot.telegram.app import TelegramBot
from storage.families import Family
from storage.records import ContentHash, MachineFacts, ModelFacts
from storage.store import Store
from tests.bot.telegram.phone import Phone
from tests.waiting import until


def facts(tokenizer: str) -> MachineFacts:
    """What an engine says of itself."""
    file = ContentHash(tokenizer)
    model = ModelFacts(name="m", family=Family.SD1, size_px=512, prediction="epsilon", tokenizer=file, max_tokens=77)
    return MachineFacts(engine="e", device="cpu", memory_mode="resident", dtype="float32", model=model)


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"version": "1.0"}', b"\xff\xfe", b"null"])
async def test_a_tokenizer_that_cannot_be_read_counts_as_none_and_is_said_once(
    content: bytes, bot: TelegramBot, store: Store, boris: Phone
) -> None:
    await store.machine.announce(facts(await store.files.put(content, ".json")))
    with structlog.testing.capture_logs() as logs:
        boris.says("/start")
        await until(lambda: boris.offers("quest.new"))
        boris.says("/help")
        await until(lambda: len(boris.sees()) == 2 and not boris.offers("quest.new"))
    assert sum("tokenizer cannot be read" in line["event"] for line in logs) == 1


async def test_facts_of_another_shape_count_as_none_and_are_said_once(
    bot: TelegramBot, store: Store, boris: Phone
) -> None:
    await store.machine.announce(facts("0" * 64))
    await store.database.change("UPDATE machine SET facts = '{\"model\": 7}'", {})
    with structlog.testing.capture_logs() as logs:
        boris.says("/start")
        await until(lambda: boris.offers("quest.new"))
        boris.says("/help")
        await until(lambda: len(boris.sees()) == 2 and not boris.offers("quest.new"))
    assert sum("said of itself cannot be read" in line["event"] for line in logs) == 1
