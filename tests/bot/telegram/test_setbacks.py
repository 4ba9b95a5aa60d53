"""Whatever Telegram refuses, the person gets what it still takes, hears what is missing, and the chat goes on."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from bot.screens import Album, Button, CopyButton, Document, Message, Notice, Screen
from bot.telegram.app import TelegramBot
from bot.telegram.outgoing import enqueue
from bot.words import Words
from rehearsal.faults import Fault
from storage.states import Urgency
from storage.store import Store
from tests.bot.telegram.conftest import talking
from tests.bot.telegram.phone import Phone
from tests.bot.telegram.test_delivery import picture
from tests.clock import Clock
from tests.waiting import until

GO = (Button(label="Go", data="nav.home:0"),)
FOR_EVER = 10_000
AFTER = "what comes after"


async def enqueued(bot: TelegramBot, phone: Phone, *messages: Message, urgency: Urgency = Urgency.REPLY) -> None:
    """Owes messages, as routes and watch do."""
    for message in messages:
        await enqueue(bot.store, phone.chat, message, urgency)
    bot.delivery.wake()


async def until_later(clock: Clock, bot: TelegramBot, look: Callable[[], object], seconds: float = 10.0) -> None:
    """Lets waits go by until `look` finds something."""

    def look_later() -> object:
        clock.advances(seconds=20)
        bot.delivery.wake()
        return look()

    await until(look_later, seconds)


@pytest.mark.parametrize("description", ["IMAGE_PROCESS_FAILED", "PHOTO_INVALID_DIMENSIONS", "SOMETHING_NEW"])
async def test_a_refused_picture_comes_as_a_file_with_its_words_and_buttons(
    description: str, bot: TelegramBot, store: Store, boris: Phone
) -> None:
    await boris.starts()
    boris.weather(Fault("sendPhoto", code=400, description=f"Bad Request: {description}", times=FOR_EVER))
    await enqueued(bot, boris, Screen(text="which one?", picture=await picture(store), rows=(GO,), fresh=True))
    await until(lambda: "which one?" in boris.reads())
    newest = boris.sees()[-1]
    assert newest.document
    assert boris.offers("nav.home")


async def test_a_picture_that_no_form_takes_leaves_words_and_buttons_and_is_said_once(
    bot: TelegramBot, store: Store, anna: Phone, boris: Phone
) -> None:
    await anna.starts()
    await boris.starts()
    for method in ("sendPhoto", "sendDocument"):
        boris.weather(Fault(method, code=400, description="Bad Request: PHOTO_EXT_INVALID", times=FOR_EVER))
    await enqueued(bot, boris, Screen(text="which one?", picture=await picture(store), rows=(GO,), fresh=True))
    await enqueued(bot, boris, Notice(text=AFTER))
    said = Words("ru")("refused.picture")
    await until(lambda: said in boris.reads() and AFTER in boris.reads())
    assert "which one?" in boris.reads()
    assert boris.reads().count(said) == 1
    await until(lambda: any("PHOTO_EXT_INVALID" in text for text in anna.reads()))
    assert not any("which one" in text for text in anna.reads()), "no word of the person goes to an admin"


async def test_a_refused_album_comes_picture_by_picture_before_what_follows(
    bot: TelegramBot, store: Store, boris: Phone
) -> None:
    await boris.starts()
    pictures = tuple([await picture(store, colour) for colour in ("red", "green", "blue", "white")])
    boris.weather(Fault("sendMediaGroup", code=400, description="Bad Request: MEDIA_INVALID", times=FOR_EVER))
    boris.weather(Fault("sendPhoto", code=400, description="Bad Request: IMAGE_PROCESS_FAILED", times=1))
    await enqueued(bot, boris, Album(pictures=pictures, captions=("1", "2", "3", "4")), Notice(text=AFTER))
    await until(lambda: AFTER in boris.reads(), 20.0)
    assert boris.reads()[-5:] == ["1", "2", "3", "4", AFTER]
    assert [bool(message.document) for message in boris.sees()[-5:-1]] == [True, False, False, False]


@pytest.mark.parametrize(
    "fault",
    [
        Fault("sendDocument", code=413, description="Request Entity Too Large"),
        Fault("sendDocument", code=413, page="<html>413 Request Entity Too Large</html>"),
        Fault("sendDocument", code=400, description="Bad Request: FILE_PARTS_INVALID"),
        Fault("sendDocument", code=500, description="Internal Server Error"),
        Fault("sendDocument", code=404, description="Not Found: method not found"),
        Fault("sendDocument", code=401, description="Unauthorized"),
        Fault("sendDocument", code=503, page="<html>maintenance</html>"),
        Fault("sendDocument", page="<html>Sign in to this network</html>"),
        Fault("sendDocument", drop="before"),
    ],
    ids=lambda fault: f"{fault.code}-{fault.drop or fault.page[:8] or fault.description[:12]}",
)
async def test_a_file_that_is_never_taken_is_given_up_by_name_and_the_chat_goes_on(
    fault: Fault, bot: TelegramBot, store: Store, boris: Phone, clock: Clock
) -> None:
    await boris.starts()
    fault.times = FOR_EVER
    boris.weather(fault)
    file = await store.files.put(b"x" * 300_000, ".safetensors")
    await enqueued(bot, boris, Document(file=file, filename="ohwx.safetensors", text="LoRA"), Notice(text=AFTER))
    await until_later(clock, bot, lambda: AFTER in boris.reads())
    assert "ohwx.safetensors" in boris.reads()[-2]


async def test_words_that_cannot_be_parsed_come_plain(bot: TelegramBot, boris: Phone) -> None:
    await boris.starts()
    boris.weather(Fault("sendMessage", code=400, description="Bad Request: can't parse entities: unexpected end"))
    await enqueued(bot, boris, Notice(text="<b>bold</b> &amp; calm"))
    await until(lambda: "bold & calm" in boris.reads())


async def test_only_the_refused_button_is_missing(bot: TelegramBot, boris: Phone) -> None:
    await boris.starts()
    boris.weather(Fault("sendMessage", code=400, description="Bad Request: BUTTON_COPY_TEXT_INVALID"))
    await enqueued(bot, boris, Screen(text="here", rows=((*GO, CopyButton(label="C", copies="x")),), fresh=True))
    await until(lambda: Words("ru")("refused.buttons") in boris.reads())
    assert boris.offers("nav.home")


async def test_a_refused_edit_becomes_a_new_message(bot: TelegramBot, boris: Phone) -> None:
    await boris.starts()
    boris.weather(Fault("editMessageText", code=400, description="Bad Request: MESSAGE_SOMETHING", times=FOR_EVER))
    await enqueued(bot, boris, Screen(text="one", slot="status"))
    await until(lambda: "one" in boris.reads())
    await enqueued(bot, boris, Screen(text="two", slot="status"))
    await until(lambda: "two" in boris.reads())
    assert "one" in boris.reads()


async def test_a_network_that_is_away_for_long_loses_nothing(bot: TelegramBot, boris: Phone, clock: Clock) -> None:
    await boris.starts()
    boris.weather(Fault("*", boris.chat, drop="before", times=FOR_EVER))
    boris.weather(Fault("getMe", drop="before", times=FOR_EVER))
    await enqueued(bot, boris, Notice(text="one"), Notice(text=AFTER))
    await until_later(clock, bot, lambda: sum(call["status"] == 0 for call in boris.world.calls) > 26, 40.0)
    boris.world.weather.faults = []
    await until_later(clock, bot, lambda: AFTER in boris.reads())
    assert boris.reads()[-2:] == ["one", AFTER]


async def test_the_page_of_a_proxy_closes_no_chat(bot: TelegramBot, boris: Phone, clock: Clock) -> None:
    await boris.starts()
    boris.weather(Fault("sendMessage", code=403, page="<html>Forbidden</html>", times=2))
    await enqueued(bot, boris, Notice(text=AFTER))
    await until_later(clock, bot, lambda: AFTER in boris.reads())


async def test_a_command_list_that_is_refused_stops_no_other(store: Store, address: str, boris: Phone) -> None:
    boris.weather(Fault("setMyCommands", code=400, description="Bad Request: BOT_COMMAND_INVALID"))
    boris.weather(Fault("setMyDescription", code=500, description="Internal Server Error"))
    async with talking(store, address):
        calls = boris.world.calls
        await until(lambda: sum(c["method"] == "setMyCommands" and c["status"] == 200 for c in calls) == 2)
        await until(lambda: sum(c["method"] == "setMyDescription" and c["status"] == 200 for c in calls) == 3)
