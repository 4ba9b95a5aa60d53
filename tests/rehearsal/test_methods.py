"""Every method that the rehearsal serves, called by python-telegram-bot over real HTTP."""

from __future__ import annotations

import asyncio
import io

import pytest
from PIL import Image
from telegram import (
    Bot,
    BotCommand,
    BotCommandScopeAllPrivateChats,
    CopyTextButton,
    ForceReply,
    InlineKeyboardButton,
    InlineKeyboardMarkup,
    InputMediaDocument,
    InputMediaPhoto,
    MenuButtonCommands,
    ReplyParameters,
)
from telegram.constants import ChatMemberStatus
from telegram.error import BadRequest

from rehearsal.methods import METHODS
from tests.rehearsal.stage import Stage, leftovers, news, picture
from tests.waiting import turn

KEYS = InlineKeyboardMarkup(
    [
        [InlineKeyboardButton("Keep", callback_data="curate.keep:7:1", style="success")],
        [InlineKeyboardButton("ohwx", copy_text=CopyTextButton("ohwx")), InlineKeyboardButton("X", callback_data="x")],
    ]
)


def clean(answer: object) -> None:
    """No field of the answer is unknown to python-telegram-bot."""
    assert leftovers(answer) == []


def test_the_32_methods_of_the_design_are_served() -> None:
    assert len(METHODS) == 32


async def test_the_bot_knows_its_name_from_the_wire(bot: Bot) -> None:
    clean(bot.bot)
    assert bot.username == "styleseal_rehearsal_bot"


async def test_a_message_keeps_its_words_entities_and_buttons(bot: Bot, anna: int) -> None:
    sent = await bot.send_message(anna, " <b>жирный</b> &amp; <code>x</code>", parse_mode="HTML", reply_markup=KEYS)
    clean(sent)
    assert sent.text == "жирный & x"
    assert [(e.type, sent.parse_entity(e)) for e in sent.entities] == [("bold", "жирный"), ("code", "x")]
    assert sent.reply_markup == KEYS


@pytest.mark.parametrize(
    ("text", "fits"), [("x" * 256, True), ("🦊" * 128, True), ("🦊" * 129, False), ("x" * 257, False)]
)
async def test_a_text_to_copy_is_measured_in_utf_16_units(bot: Bot, anna: int, text: str, fits: bool) -> None:
    keys = InlineKeyboardMarkup([[InlineKeyboardButton("copy", copy_text=CopyTextButton(text))]])
    if fits:
        assert (await bot.send_message(anna, "x", reply_markup=keys)).reply_markup == keys
        return
    with pytest.raises(BadRequest, match=r"(?i)copy_text"):
        await bot.send_message(anna, "x", reply_markup=keys)


async def test_an_update_tells_who_wrote_what_and_a_command_is_marked(stage: Stage, bot: Bot, anna: int) -> None:
    (update,) = await news(bot)
    clean(update)
    assert update.message
    assert update.message.text == "/start"
    assert update.message.entities[0].type == "bot_command"
    assert update.effective_user
    assert update.effective_user.language_code == "en"


async def test_a_confirmed_update_does_not_come_again(stage: Stage, bot: Bot, anna: int) -> None:
    (first,) = await news(bot)
    await stage.says(anna, "more")
    (second,) = await news(bot, first.update_id + 1)
    assert second.update_id == first.update_id + 1
    assert second.message
    assert second.message.text == "more"


async def test_a_poll_waits_for_the_next_word(stage: Stage, bot: Bot, anna: int) -> None:
    (first,) = await news(bot)
    poll = asyncio.create_task(bot.get_updates(offset=first.update_id + 1, timeout=10))
    await turn()
    await stage.says(anna, "a knight")
    (update,) = await poll
    assert update.message
    assert update.message.text == "a knight"


async def test_a_photo_comes_back_in_several_sizes_as_jpeg_without_metadata(bot: Bot, anna: int) -> None:
    exif = Image.Exif()
    exif[0x010E] = "a secret prompt"
    sent = await bot.send_photo(anna, picture(1600, 1200, exif=exif), caption="<i>hi</i>", parse_mode="HTML")
    clean(sent)
    assert [max(size.width, size.height) for size in sent.photo] == [90, 320, 800, 1280]
    data = bytes(await (await bot.get_file(sent.photo[-1])).download_as_bytearray())
    kept = Image.open(io.BytesIO(data))
    assert (kept.format, len(kept.getexif())) == ("JPEG", 0)
    assert sent.caption == "hi"


async def test_a_photo_is_sent_again_by_its_id(bot: Bot, anna: int) -> None:
    first = await bot.send_photo(anna, picture())
    again = await bot.send_photo(anna, first.photo[-1].file_id)
    assert again.photo == first.photo


async def test_a_document_keeps_its_bytes_and_name(bot: Bot, anna: int) -> None:
    data = picture(kind="PNG") + b"tail"
    sent = await bot.send_document(anna, data, filename="зов.png", disable_content_type_detection=True)
    clean(sent)
    assert sent.document
    assert sent.document.file_name == "зов.png"
    assert bytes(await (await bot.get_file(sent.document)).download_as_bytearray()) == data
    again = await bot.send_document(anna, sent.document.file_id, reply_markup=KEYS)
    assert again.document == sent.document


@pytest.mark.parametrize("count", [2, 4, 10])
async def test_an_album_shares_one_group(bot: Bot, anna: int, count: int) -> None:
    media = [InputMediaPhoto(picture(64, 64), caption=f"n {n}") for n in range(count)]
    sent = await bot.send_media_group(anna, media)
    clean(sent)
    assert len({message.media_group_id for message in sent}) == 1
    assert [message.caption for message in sent] == [f"n {n}" for n in range(count)]


async def test_an_album_of_documents_keeps_their_names(bot: Bot, anna: int) -> None:
    media = [InputMediaDocument(b"one", filename="1.txt"), InputMediaDocument(b"two", filename="2.txt")]
    sent = await bot.send_media_group(anna, media)
    assert [message.document and message.document.file_name for message in sent] == ["1.txt", "2.txt"]


async def test_edits_change_text_caption_picture_and_buttons(stage: Stage, bot: Bot, anna: int) -> None:
    text = await bot.send_message(anna, "one", reply_markup=KEYS)
    edited = await bot.edit_message_text("two", anna, text.message_id)
    clean(edited)
    assert edited.text == "two"
    assert edited.reply_markup is None
    assert edited.edit_date
    await bot.edit_message_reply_markup(anna, text.message_id, reply_markup=KEYS)
    photo = await bot.send_photo(anna, picture(), caption="one")
    await bot.edit_message_caption(anna, photo.message_id, caption="two", reply_markup=KEYS)
    other = await bot.edit_message_media(
        InputMediaPhoto(picture(colour="red"), caption="three"), anna, photo.message_id
    )
    assert other.photo != photo.photo
    assert other.caption == "three"
    became = await bot.edit_message_media(InputMediaPhoto(picture()), anna, text.message_id)
    assert became.photo
    assert became.text is None
    shown = {one["message_id"]: one for one in await stage.sees(anna)}
    assert shown[text.message_id]["edited"]
    assert shown[text.message_id]["buttons"] == []


async def test_a_tap_reaches_the_bot_and_its_answer_the_person(stage: Stage, bot: Bot, anna: int) -> None:
    sent = await bot.send_message(anna, "one", reply_markup=KEYS)
    tap = await stage.taps(anna, sent, "curate.keep:7:1")
    query = (await news(bot))[-1].callback_query
    assert query
    assert query.data == "curate.keep:7:1"
    assert query.message
    clean(query)
    await query.answer("kept 1", show_alert=True)
    state = await stage.get(f"/sim/taps/{tap}")
    assert (state["answered"], state["text"], state["alert"]) == (True, "kept 1", True)
    assert state["seconds"] >= 0


async def test_deleted_messages_are_gone_and_missing_ones_skipped(stage: Stage, bot: Bot, anna: int) -> None:
    one, two, three = [await bot.send_message(anna, word) for word in ("one", "two", "three")]
    assert await bot.delete_message(anna, one.message_id)
    assert await bot.delete_messages(anna, [one.message_id, two.message_id])
    assert [m["message_id"] for m in await stage.sees(anna) if m["from_bot"]] == [three.message_id]


async def test_a_pin_is_shown_and_taken_away(stage: Stage, bot: Bot, anna: int) -> None:
    sent = await bot.send_message(anna, "palette")
    assert await bot.pin_chat_message(anna, sent.message_id)
    chat = await bot.get_chat(anna)
    clean(chat)
    assert chat.pinned_message
    assert chat.pinned_message.message_id == sent.message_id
    assert [m["message_id"] for m in await stage.sees(anna) if m["pinned"]] == [sent.message_id]
    assert await bot.unpin_chat_message(anna)
    assert (await bot.get_chat(anna)).pinned_message is None


async def test_commands_are_kept_by_scope_and_language(stage: Stage, bot: Bot, anna: int) -> None:
    scope = BotCommandScopeAllPrivateChats()
    await bot.set_my_commands([BotCommand("start", "Begin")], scope)
    await bot.set_my_commands([("start", "Начать")], scope, "ru")
    assert [c.description for c in await bot.get_my_commands(scope, "ru")] == ["Начать"]
    assert await bot.get_my_commands() == ()
    boris = await stage.person("Boris", "ru")
    shown = {chat["id"]: chat["commands"] for chat in (await stage.get("/sim/state"))["chats"]}
    assert (shown[anna][0]["description"], shown[boris][0]["description"]) == ("Begin", "Начать")


async def test_the_bot_says_who_it_is(stage: Stage, bot: Bot, anna: int) -> None:
    assert await bot.set_my_name("Stempel", language_code="de")
    assert await bot.set_my_description("From a style to a seal")
    assert await bot.set_my_short_description("Style to seal")
    assert await bot.set_chat_menu_button(menu_button=MenuButtonCommands())
    chat = next(one for one in (await stage.get("/sim/state"))["chats"] if one["id"] == anna)
    assert chat["description"] == "From a style to a seal"


async def test_membership_and_administrators_are_told(stage: Stage, bot: Bot, anna: int) -> None:
    group = (await stage.post("/sim/groups", {"title": "Neon", "members": [anna], "bot": "administrator"}))["id"]
    member = await bot.get_chat_member(group, bot.id)
    admins = await bot.get_chat_administrators(group)
    clean([member, *admins])
    assert member.status == ChatMemberStatus.ADMINISTRATOR
    assert {admin.user.id for admin in admins} == {anna, bot.id}
    assert await bot.leave_chat(group)


async def test_small_things_are_taken(stage: Stage, bot: Bot, anna: int) -> None:
    asked = await bot.send_message(anna, "Name it", reply_markup=ForceReply(input_field_placeholder="trigger"))
    assert (await stage.sees(anna))[-1]["asks"] == "trigger"
    reply = await bot.send_message(anna, "yes", reply_parameters=ReplyParameters(asked.message_id))
    clean(reply)
    assert reply.reply_to_message
    assert reply.reply_to_message.message_id == asked.message_id
    assert await bot.send_chat_action(anna, "upload_photo")
    assert await bot.send_message_draft(anna, 1, "grow")
    assert await bot.set_message_reaction(anna, asked.message_id, "👍")
    info = await bot.get_webhook_info()
    clean(info)
    assert info.url == ""
    assert info.pending_update_count == 1
    assert await bot.delete_webhook(drop_pending_updates=True)
    assert await news(bot) == []
