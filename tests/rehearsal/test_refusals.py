"""What Telegram refuses, the rehearsal refuses: in the same words and with the same codes."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest
from telegram import Bot, InlineKeyboardButton, InlineKeyboardMarkup, InputMediaDocument, InputMediaPhoto
from telegram import ReplyParameters as Reply
from telegram.error import BadRequest, ChatMigrated, Conflict, Forbidden, InvalidToken, NetworkError, RetryAfter

from tests.clock import Clock
from tests.rehearsal.stage import TOKEN, Stage, news, picture
from tests.waiting import until


def keys(data: str = "x", **more: Any) -> InlineKeyboardMarkup:
    return InlineKeyboardMarkup([[InlineKeyboardButton("x", callback_data=data, **more)]])


Ask = Callable[[Bot, int], Awaitable[Any]]
REFUSED: dict[str, Ask] = {
    "Message text is empty": lambda b, a: b.send_message(a, "  \n "),
    "Message is too long": lambda b, a: b.send_message(a, "я" * 4097),
    "Message caption is too long": lambda b, a: b.send_photo(a, picture(), caption="x" * 1025),
    "Button_data_invalid": lambda b, a: b.send_message(a, "x", reply_markup=keys("я" * 33)),
    "Button_style_invalid": lambda b, a: b.send_message(a, "x", reply_markup=keys(style="purple")),
    "Reply_markup_too_long": lambda b, a: b.send_message(
        a, "x", reply_markup=InlineKeyboardMarkup([[InlineKeyboardButton("x", callback_data="x")]] * 101)
    ),
    "Chat not found": lambda b, a: b.send_message(1, "x"),
    "Message to edit not found": lambda b, a: b.edit_message_text("x", a, 1),
    "Message to delete not found": lambda b, a: b.delete_message(a, 1),
    "Message to pin not found": lambda b, a: b.pin_chat_message(a, 1),
    "Message to unpin not found": lambda b, a: b.unpin_chat_message(a),
    "Message to be replied not found": lambda b, a: b.send_message(a, "x", reply_parameters=Reply(1)),
    "Unsupported parse_mode": lambda b, a: b.send_message(a, "x", parse_mode="Wiki"),
    "Image_process_failed": lambda b, a: b.send_photo(a, b"rubbish"),
    "Photo_invalid_dimensions": lambda b, a: b.send_photo(a, picture(2100, 100)),
    "File must be non-empty": lambda b, a: b.send_document(a, b"", filename="x.txt"),
    "Wrong file identifier/http url specified": lambda b, a: b.send_photo(a, "AgAC-nobody-sent-this"),
    "Failed to get http url content": lambda b, a: b.send_photo(a, "https://example.org/a.png"),
    "Group send: an album holds 2-10 items": lambda b, a: b.send_media_group(a, [InputMediaPhoto(picture())]),
    "Group send: documents can't be mixed with other media types": lambda b, a: b.send_media_group(
        a, [InputMediaPhoto(picture()), InputMediaDocument(b"x", filename="x")]
    ),
    "Query is too old and response timeout expired or query id is invalid": lambda b, a: b.answer_callback_query("1"),
    "Wrong parameter action in request": lambda b, a: b.send_chat_action(a, "dancing"),
    "Bot_command_invalid": lambda b, a: b.set_my_commands([("Start!", "x")]),
    "Wrong file_id or the file is temporarily unavailable": lambda b, a: b.get_file("nothing"),
    "Bad webhook: an https url must be provided for webhook": lambda b, a: b.set_webhook("http://127.0.0.1/"),
    'Unknown parameter "textt" in sendmessage': lambda b, a: b.send_message(a, "x", api_kwargs={"textt": "x"}),
}


@pytest.mark.parametrize("words", REFUSED)
async def test_a_careless_call_is_refused_in_telegrams_words(stage: Stage, bot: Bot, anna: int, words: str) -> None:
    with pytest.raises(BadRequest) as refused:
        await REFUSED[words](bot, anna)
    assert refused.value.message.lower() == words.lower()
    assert not [one for one in await stage.sees(anna) if one["from_bot"]], "a refused call leaves nothing behind"


@pytest.mark.parametrize(
    ("html", "why"),
    [
        ("<b>x", 'Can\'t find end tag corresponding to start tag "b"'),
        ("ю<q>x</q>", 'Unsupported start tag "q" at byte offset 2'),
        ("<b><i>x</b></i>", 'Unmatched end tag at byte offset 7, expected "</i>", found "</b>"'),
        ("x</b>", "Unexpected end tag at byte offset 1"),
        ("1 < 2", "Unclosed start tag at byte offset 2"),
    ],
)
async def test_broken_html_is_refused_with_its_place(bot: Bot, anna: int, html: str, why: str) -> None:
    with pytest.raises(BadRequest) as refused:
        await bot.send_message(anna, html, parse_mode="HTML")
    assert why.lower() in refused.value.message.lower()


async def test_only_known_reactions_are_taken(bot: Bot, anna: int) -> None:
    sent = await bot.send_message(anna, "x")
    with pytest.raises(BadRequest, match=r"(?i)reaction_invalid"):
        await bot.set_message_reaction(anna, sent.message_id, "🦖")


async def test_an_edit_that_changes_nothing_is_refused(bot: Bot, anna: int) -> None:
    sent = await bot.send_message(anna, "x", reply_markup=keys())
    for edit in (
        bot.edit_message_text("x", anna, sent.message_id, reply_markup=keys()),
        bot.edit_message_reply_markup(anna, sent.message_id, reply_markup=keys()),
    ):
        with pytest.raises(BadRequest, match=r"^Message is not modified"):
            await edit


async def test_an_album_cannot_get_buttons(bot: Bot, anna: int) -> None:
    first, _ = await bot.send_media_group(anna, [InputMediaPhoto(picture()), InputMediaPhoto(picture())])
    with pytest.raises(BadRequest, match=r"^Message is not modified"):
        await bot.edit_message_reply_markup(anna, first.message_id, reply_markup=keys())
    with pytest.raises(BadRequest, match="can't be edited"):
        await bot.edit_message_media(InputMediaDocument(b"x", filename="x"), anna, first.message_id)


async def test_a_persons_message_cannot_be_edited(stage: Stage, bot: Bot, anna: int) -> None:
    number = await stage.says(anna, "mine")
    with pytest.raises(BadRequest, match="can't be edited"):
        await bot.edit_message_text("yours", anna, number)


async def test_the_words_of_a_picture_are_a_caption(bot: Bot, anna: int) -> None:
    text, photo = await bot.send_message(anna, "x"), await bot.send_photo(anna, picture())
    with pytest.raises(BadRequest, match="There is no text in the message to edit"):
        await bot.edit_message_text("y", anna, photo.message_id)
    with pytest.raises(BadRequest, match="There is no caption in the message to edit"):
        await bot.edit_message_caption(anna, text.message_id, caption="y")


async def test_a_tap_is_answered_once_and_within_its_time(stage: Stage, bot: Bot, anna: int, clock: Clock) -> None:
    sent = await bot.send_message(anna, "x", reply_markup=keys())
    tap, late = await stage.taps(anna, sent, "x"), await stage.taps(anna, sent, "x")
    with pytest.raises(BadRequest, match=r"(?i)message_too_long"):
        await bot.answer_callback_query(tap, "x" * 201)
    assert await bot.answer_callback_query(tap)
    with pytest.raises(BadRequest, match="Query is too old"):
        await bot.answer_callback_query(tap)
    clock.advances(seconds=151)
    with pytest.raises(BadRequest, match="Query is too old"):
        await bot.answer_callback_query(late)
    assert not [update for update in await news(bot) if update.callback_query], "old taps are dropped"


async def test_updates_are_kept_for_a_day(stage: Stage, bot: Bot, anna: int, clock: Clock) -> None:
    clock.advances(seconds=24 * 3600 + 1)
    assert await news(bot) == []


async def test_old_messages_cannot_be_deleted(bot: Bot, anna: int, clock: Clock) -> None:
    sent = await bot.send_message(anna, "x")
    clock.advances(seconds=48 * 3600 + 1)
    with pytest.raises(BadRequest, match="can't be deleted"):
        await bot.delete_message(anna, sent.message_id)


async def test_who_never_started_or_blocked_hears_nothing(stage: Stage, bot: Bot, anna: int) -> None:
    stranger = (await stage.post("/sim/people", {"name": "Zoe"}))["chat_id"]
    with pytest.raises(Forbidden, match="can't initiate conversation"):
        await bot.send_message(stranger, "hello")
    await stage.post("/sim/block", {"user": anna})
    with pytest.raises(Forbidden, match="blocked by the user"):
        await bot.send_message(anna, "hello")
    await stage.says(anna, "back")
    assert [u.my_chat_member.new_chat_member.status for u in await news(bot) if u.my_chat_member] == [
        "kicked",
        "member",
    ]
    assert await bot.send_message(anna, "hello")


async def test_a_second_poller_ends_the_first(stage: Stage, bot: Bot) -> None:
    first = asyncio.create_task(bot.get_updates(timeout=20))
    await until(lambda: stage.world.updates._poller)
    second = asyncio.create_task((await stage.bot()).get_updates(timeout=1))
    with pytest.raises(Conflict, match="terminated by other getUpdates request"):
        await first
    assert await second == ()


async def test_polling_beside_a_webhook_is_refused(bot: Bot) -> None:
    await bot.set_webhook("https://example.org/hook")
    with pytest.raises(Conflict, match="webhook is active"):
        await bot.get_updates()
    await bot.delete_webhook()
    assert await bot.get_updates() == ()


async def test_what_is_too_big_is_refused_up_and_down(bot: Bot, anna: int) -> None:
    with pytest.raises(NetworkError, match="Request Entity Too Large"):
        await bot.send_document(anna, bytes((50 << 20) + 1), filename="big.bin")
    sent = await bot.send_document(anna, bytes((20 << 20) + 1), filename="big.bin")
    assert sent.document
    with pytest.raises(BadRequest, match="File is too big"):
        await bot.get_file(sent.document.file_id)


async def test_an_unknown_method_is_not_found_and_a_foreign_token_not_authorized(stage: Stage, bot: Bot) -> None:
    answer = await stage.http.post(f"/bot{TOKEN}/sendSticker")
    assert (answer.status_code, answer.json()["description"]) == (404, "Not Found: method not found")
    for foreign in ("no-token:x", f"{TOKEN}x", "1:abc"):
        with pytest.raises(InvalidToken):
            await stage.bot(foreign)
        answer = await stage.http.post(f"/bot{foreign}/getMe")
        assert (answer.status_code, answer.json()["description"]) == (401, "Unauthorized")
        assert (await stage.http.get(f"/file/bot{foreign}/photos/x.jpg")).status_code == 401


async def test_a_group_that_moved_says_where_to(stage: Stage, bot: Bot, anna: int) -> None:
    group = (await stage.post("/sim/groups", {"title": "Neon", "members": [anna]}))["id"]
    new = (await stage.post("/sim/migrate", {"chat": group}))["id"]
    with pytest.raises(ChatMigrated) as moved:
        await bot.send_message(group, "x")
    assert moved.value.new_chat_id == new
    assert await bot.send_message(new, "x")
    told = [u.message for u in await news(bot) if u.message and u.message.migrate_to_chat_id]
    assert [message.migrate_to_chat_id for message in told] == [new]


async def test_in_a_group_a_plain_member_hears_only_what_is_meant_for_it(stage: Stage, bot: Bot, anna: int) -> None:
    group = (await stage.post("/sim/groups", {"title": "Neon", "members": [anna]}))["id"]
    await stage.says(anna, "just talking", group)
    await stage.says(anna, "/quests", group)
    heard = [u.message.text for u in await news(bot) if u.message and u.message.chat.id == group]
    assert heard == ["/quests"]
    await stage.post("/sim/kick", {"chat": group})
    with pytest.raises(Forbidden, match="kicked from the group chat"):
        await bot.send_message(group, "x")


async def test_the_ordered_weather_comes_and_goes(stage: Stage, bot: Bot, anna: int) -> None:
    await stage.post("/sim/faults", {"method": "sendMessage", "code": 429, "retry_after": 7})
    with pytest.raises(RetryAfter) as wait:
        await bot.send_message(anna, "x")
    assert wait.value.retry_after == timedelta(seconds=7)
    await stage.post("/sim/faults", {"method": "*", "chat": anna, "drop": "before", "times": 2})
    for _ in range(2):
        with pytest.raises(NetworkError):
            await bot.send_message(anna, "lost")
    await stage.post("/sim/faults", {"method": "sendMessage", "drop": "after"})
    with pytest.raises(NetworkError):
        await bot.send_message(anna, "arrived all the same")
    await bot.send_message(anna, "fine")
    said = [one["text"] for one in await stage.sees(anna) if one["from_bot"]]
    assert said == ["arrived all the same", "fine"]
    statuses = [call["status"] for call in await stage.get("/sim/calls") if call["method"] == "sendMessage"]
    assert statuses == [429, 0, 0, 200, 200]


async def test_buckets_weigh_an_album_by_its_pictures(stage: Stage, bot: Bot, anna: int, clock: Clock) -> None:
    await stage.post("/sim/buckets", {"on": True})
    media = [InputMediaPhoto(picture(64, 64)) for _ in range(6)]
    await bot.send_media_group(anna, media)
    with pytest.raises(RetryAfter):
        await bot.send_message(anna, "x")
    clock.advances(seconds=1)
    assert await bot.send_message(anna, "x")
