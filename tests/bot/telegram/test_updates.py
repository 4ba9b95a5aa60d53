"""Updates of every kind: albums are one event, edits count where they can, groups leave no trace."""

from __future__ import annotations

from typing import Any

import pytest

from bot.telegram.app import TelegramBot
from bot.telegram.poller import ALLOWED_UPDATES
from bot.words import Words
from rehearsal import answers
from rehearsal.records import Standing
from storage.states import Stage
from storage.store import Store
from tests.bot.telegram.conftest import talking
from tests.bot.telegram.phone import Phone
from tests.waiting import until


def sends_photo(phone: Phone, group: str | None) -> None:
    """Sends one picture, of an album where a group is named."""
    message = phone.world.drafted(phone.chat, phone.person.id, text=None)
    phone.world.add_message(message)
    size = {"file_id": f"f{message.message_id}", "file_unique_id": "u", "width": 90, "height": 90}
    body = answers.wire_message(phone.world, message) | {"photo": [size]}
    phone.world.updates.add("message", body | ({"media_group_id": group} if group else {}))


def writes(phone: Phone, text: str) -> dict[str, Any]:
    """Writes a text; gives the message as Telegram tells it."""
    message = phone.world.drafted(phone.chat, phone.person.id, text=text)
    phone.world.hear(message)
    return answers.wire_message(phone.world, message)


def edits(phone: Phone, body: dict[str, Any], text: str) -> None:
    """Corrects a text."""
    phone.world.updates.add("edited_message", body | {"text": text, "edit_date": body["date"] + 1})


async def is_handled(phone: Phone) -> None:
    """Waits until everything before is handled: updates are taken one after another."""
    said = Words(phone.person.language_code)("command.unknown")
    before = phone.reads().count(said)
    phone.says("/nonsense")
    await until(lambda: phone.reads().count(said) > before)


async def in_words(bot: TelegramBot, phone: Phone) -> None:
    """Begins a quest and stands where its style's words are asked for."""
    await phone.starts()
    await phone.taps("quest.new")
    await phone.taps("style.kind")
    await phone.taps("style.words")


async def rows(store: Store) -> dict[str, int]:
    """How many rows of people, chats, quests and messages there are."""
    tables = ("people", "chats", "quests", "outbox", "slots")
    return {name: (await store.database.all(f"SELECT count(*) AS n FROM {name}"))[0]["n"] for name in tables}


async def test_an_album_is_answered_once_also_over_a_restart_and_late_parts(
    store: Store, address: str, boris: Phone
) -> None:
    answer = Words("ru")("file.not_yet")
    async with talking(store, address):
        await boris.starts()
        for _ in range(6):
            sends_photo(boris, "album-1")
        await is_handled(boris)
        assert boris.reads().count(answer) == 1
    async with talking(store, address):
        for _ in range(3):  # one of ten never comes
            sends_photo(boris, "album-1")
        sends_photo(boris, "album-2")
        await is_handled(boris)
        await until(lambda: boris.reads().count(answer) == 2)
        sends_photo(boris, None)
        await until(lambda: boris.reads().count(answer) == 3)


async def test_an_edited_text_replaces_the_answer_where_its_step_still_stands(
    bot: TelegramBot, store: Store, boris: Phone
) -> None:
    await in_words(bot, boris)
    body = writes(boris, "watercolr, soft light")
    await until(lambda: any("watercolr" in text for text in boris.reads()))
    edits(boris, body, "watercolor, soft light")
    await until(lambda: any("watercolor" in text for text in boris.reads()))
    quest = await store.quests.current(boris.person.id)
    assert quest is not None
    assert "watercolor" in quest.style.modifiers
    assert "watercolr" not in quest.style.modifiers
    assert quest.stage is Stage.CARD


async def test_an_edit_that_changes_no_word_is_nothing(bot: TelegramBot, store: Store, boris: Phone) -> None:
    await in_words(bot, boris)
    body = writes(boris, "watercolor")
    await until(lambda: any("watercolor" in text for text in boris.reads()))
    before = len(boris.sees())
    edits(boris, body, "watercolor")
    await is_handled(boris)
    assert len(boris.sees()) == before + 1


async def test_an_edit_of_an_old_text_does_no_harm_and_gets_a_sentence(
    bot: TelegramBot, store: Store, boris: Phone
) -> None:
    await in_words(bot, boris)
    old = writes(boris, "watercolor")
    await until(lambda: any("watercolor" in text for text in boris.reads()))
    await boris.taps("style.ok")
    quest = await store.quests.current(boris.person.id)
    edits(boris, old, "oil painting")
    await until(lambda: Words("ru")("text.edited_late") in boris.reads())
    assert await store.quests.current(boris.person.id) == quest


def test_edits_are_asked_for() -> None:
    assert "edited_message" in ALLOWED_UPDATES


@pytest.mark.parametrize(
    "text", ["hello all", "/help@OtherBot", "/start@some_other_bot payload", "/unknown", "/", "/ start", "a /help"]
)
async def test_what_a_group_says_leaves_no_trace(text: str, bot: TelegramBot, store: Store, boris: Phone) -> None:
    await is_handled(boris)
    person = await store.people.find(boris.person.id)
    assert person is not None
    await store.database.change("UPDATE people SET blocked = 1", {})
    before = await rows(store)
    group = boris.world.add_group("Neon evening", [boris.person.id], Standing.MEMBER)
    for said_in_group in (text, "/help"):  # also what only a bot without privacy mode hears
        message = boris.world.drafted(group.id, boris.person.id, text=said_in_group)
        boris.world.add_message(message)
        boris.world.updates.add("message", answers.wire_message(boris.world, message))
    await until(lambda: [m for m in boris.world.messages[group.id].values() if m.sender == 0])
    said = [m.text for m in boris.world.messages[group.id].values() if m.sender == 0 and not m.is_service]
    assert said == [Words("ru")("group.private_only")], "only our own command is answered"
    after = await rows(store)
    assert {name: after[name] for name in ("people", "quests")} == {name: before[name] for name in ("people", "quests")}
    still = await store.people.find(boris.person.id)
    assert still is not None
    assert still.blocked


@pytest.mark.parametrize(
    "kind", ["channel_post", "poll", "chat_join_request", "message_reaction", "inline_query", "a_kind_of_tomorrow"]
)
async def test_an_update_of_a_kind_that_we_do_not_know_is_taken_and_changes_nothing(
    kind: str, bot: TelegramBot, store: Store, boris: Phone
) -> None:
    await is_handled(boris)
    before, seen = await rows(store), len(boris.sees())
    boris.world.updates.add(kind, {"id": "1", "strange": True})
    await is_handled(boris)
    assert len(boris.sees()) == seen + 1
    assert (await rows(store))["people"] == before["people"]


async def test_updates_that_come_out_of_order_are_each_handled_once(
    bot: TelegramBot, store: Store, boris: Phone
) -> None:
    await boris.starts()
    button = await boris.finds("quest.new")
    await boris.taps("quest.new")
    await until(lambda: boris.offers("style.kind"))
    quest = await store.quests.current(boris.person.id)
    late = boris.starts_pressing(button)
    boris.says("/help")
    boris.world.updates.waiting.reverse()
    await is_handled(boris)
    await until(lambda: late.answered_at is not None)
    assert await store.quests.current(boris.person.id) == quest
    assert sum("/quests /queue" in said for said in boris.reads()) == 1
    assert await store.inbox.pending() == ()
