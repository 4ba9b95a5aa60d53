"""What is enqueued arrives: in order, once, within budgets, whatever Telegram does. Over real HTTP."""

from __future__ import annotations

from io import BytesIO

import pytest
from PIL import Image

from bot.screens import Album, Answer, Asset, Button, Cell, Document, Message, Notice, Retire, Screen, Sheet, Shown
from bot.sheets.renderer import name_of
from bot.telegram.delivery import Delivery
from bot.telegram.outgoing import enqueue
from bot.telegram.slot_names import INCOMING
from rehearsal.faults import Fault
from rehearsal.records import Standing
from storage.records import ContentHash
from storage.slots import Slot
from storage.states import Urgency
from storage.store import Store
from storage.uploads import Upload
from tests.bot.telegram.conftest import delivering
from tests.bot.telegram.phone import TOKEN, Phone
from tests.clock import Clock
from tests.waiting import until

BOT_ID = int(TOKEN.partition(":")[0])
GO = (Button(label="Go", data="nav.home:0"),)
STORM = 50
BACK = (Button(label="Back", data="nav.back:0"),)


async def enqueued(store: Store, phone: Phone, *messages: Message, urgency: Urgency = Urgency.REPLY) -> None:
    """Owes messages to a person, as routes and watch do."""
    async with store.write():
        await store.people.meet(phone.person.id, phone.chat, phone.person.language_code)
        for message in messages:
            await enqueue(store, phone.chat, message, urgency)


def statuses(phone: Phone) -> list[int]:
    """How every call into this chat was answered."""
    return [call["status"] for call in phone.world.calls if call["chat"] == phone.chat]


async def everything_is_sent(store: Store, *phones: Phone) -> None:
    """Waits until nothing is pending for them any more."""
    chats: list[int] = [phone.chat for phone in phones]

    async def is_sent() -> bool:
        return not set(chats) & set(await store.outbox.chats_with_pending())

    await until(is_sent, 60.0)


async def asked_to_wait(store: Store, phone: Phone) -> None:
    """Waits until it is kept that this chat must wait from now on."""

    async def is_kept() -> bool:
        wait_until = (await store.chats.find(phone.chat)).wait_until
        return wait_until is not None and wait_until > store.clock()

    await until(is_kept)


async def picture(store: Store, colour: str = "red") -> Shown:
    """A stored picture."""
    target = BytesIO()
    Image.new("RGB", (128, 128), colour).save(target, "PNG")
    return Shown(file=await store.files.put(target.getvalue(), ".png"))


async def test_messages_arrive_in_the_order_they_were_enqueued(store: Store, anna: Phone, delivery: Delivery) -> None:
    await enqueued(store, anna, *(Notice(text=str(number)) for number in range(8)))
    delivery.wake()
    await until(lambda: len(anna.reads()) == 8)
    assert anna.reads() == [str(number) for number in range(8)]


async def test_a_screen_is_edited_in_place(store: Store, anna: Phone, delivery: Delivery) -> None:
    await enqueued(store, anna, Screen(text="one", rows=(GO,)))
    await until(lambda: anna.reads() == ["one"])
    await enqueued(store, anna, Screen(text="two", rows=(BACK,)))
    await until(lambda: anna.reads() == ["two"])
    assert anna.verbs() == {"nav.back"}


async def test_a_fresh_screen_takes_the_buttons_from_the_old_one(store: Store, anna: Phone, delivery: Delivery) -> None:
    await enqueued(store, anna, Screen(text="one", rows=(GO,)))
    await enqueued(store, anna, Screen(text="two", rows=(BACK,), fresh=True))
    await until(lambda: len(anna.reads()) == 2 and anna.verbs() == {"nav.back"})
    assert anna.reads() == ["one", "two"]


async def test_a_screen_comes_below_what_the_person_wrote_since(store: Store, anna: Phone, delivery: Delivery) -> None:
    await enqueued(store, anna, Screen(text="one", rows=(GO,)))
    await until(lambda: anna.reads() == ["one"])
    anna.says("a lighthouse")
    newest = Slot(message_id=max(anna.world.messages[anna.chat]))
    await store.slots.put(anna.chat, INCOMING, newest)
    await enqueued(store, anna, Screen(text="two", rows=(BACK,)))
    await until(lambda: anna.reads() == ["one", "two"] and anna.verbs() == {"nav.back"})


async def test_the_end_of_a_job_is_told_where_its_status_stands(store: Store, anna: Phone, delivery: Delivery) -> None:
    await enqueued(store, anna, Screen(text="half done", slot="job:1"), urgency=Urgency.PROGRESS)
    await until(lambda: anna.reads() == ["half done"])
    newest = Slot(message_id=10**9)
    await store.slots.put(anna.chat, INCOMING, newest)
    await enqueued(store, anna, Screen(text="done", slot="job:1"), urgency=Urgency.EVENT)
    await until(lambda: anna.reads() == ["done"])


async def test_a_text_turns_into_a_picture_and_back(store: Store, anna: Phone, delivery: Delivery) -> None:
    await enqueued(store, anna, Screen(text="words", rows=(GO,)))
    await until(lambda: anna.reads() == ["words"])
    await enqueued(store, anna, Screen(text="seen", picture=await picture(store), rows=(GO,)))
    await until(lambda: anna.reads() == ["seen"])
    assert anna.sees()[0].photo
    await enqueued(store, anna, Screen(text="words again", rows=(GO,)))
    await until(lambda: anna.reads() == ["words again"])
    assert not anna.sees()[0].photo


async def test_only_what_changed_is_sent(store: Store, anna: Phone, delivery: Delivery) -> None:
    shown = await picture(store)
    await enqueued(store, anna, Screen(text="a", picture=shown, rows=(GO,)))
    await until(lambda: anna.reads() == ["a"])
    await enqueued(store, anna, Screen(text="b", picture=shown, rows=(GO,)))
    await until(lambda: anna.reads() == ["b"])
    await enqueued(store, anna, Screen(text="b", picture=shown, rows=(BACK,)))
    await until(lambda: anna.verbs() == {"nav.back"})
    await enqueued(store, anna, Screen(text="b", picture=shown, rows=(BACK,)))
    await everything_is_sent(store, anna)
    assert anna.calls("editMessageCaption") == [200]
    assert anna.calls("editMessageReplyMarkup") == [200]
    assert anna.calls("editMessageMedia") == []
    assert anna.calls("sendPhoto") == [200]


async def test_an_album_comes_before_its_keyboard(store: Store, anna: Phone, delivery: Delivery) -> None:
    pictures = tuple([await picture(store, colour) for colour in ("red", "green", "blue", "white")])
    await enqueued(store, anna, Album(pictures=pictures), Screen(text="which?", rows=(GO,), fresh=True))
    await until(lambda: len(anna.sees()) == 5)
    *album, keyboard = anna.sees()
    assert len({message.media_group_id for message in album}) == 1
    assert all(message.photo for message in album)
    assert keyboard.text == "which?"


async def test_a_document_keeps_its_bytes_and_its_name(store: Store, anna: Phone, delivery: Delivery) -> None:
    data = bytes(range(256)) * 50
    file = await store.files.put(data, ".safetensors")
    await enqueued(store, anna, Document(file=file, filename="ohwx.safetensors", text="<b>yours</b>"))
    await until(lambda: len(anna.sees()) == 1)
    sent = anna.world.files.downloadable(anna.sees()[0].document or "")
    assert anna.world.files.path(sent).read_bytes() == data
    assert sent.name == "ohwx.safetensors"


async def test_progress_is_shown_by_its_newest_only(store: Store, anna: Phone, delivery: Delivery) -> None:
    for number in range(30):
        await enqueued(store, anna, Screen(text=f"step {number}", slot="job:1"), urgency=Urgency.PROGRESS)
    await until(lambda: anna.reads() == ["step 29"])
    assert len(anna.calls("editMessageText")) + len(anna.calls("sendMessage")) <= 3


async def test_a_result_is_never_held_up_by_progress(store: Store, anna: Phone, delivery: Delivery) -> None:
    await enqueued(store, anna, Screen(text="step 1", slot="job:1"), urgency=Urgency.PROGRESS)
    await until(lambda: anna.reads() == ["step 1"])
    await enqueued(store, anna, Screen(text="step 2", slot="job:1"), urgency=Urgency.PROGRESS)
    await enqueued(store, anna, Notice(text="sealed"), urgency=Urgency.EVENT)
    delivery.wake()
    await until(lambda: "sealed" in anna.reads(), 2.0)


async def test_a_wait_that_telegram_asks_for_outlives_a_restart(
    store: Store, anna: Phone, boris: Phone, address: str, clock: Clock
) -> None:
    anna.weather(Fault("sendMessage", anna.chat, code=429, retry_after=30))
    await enqueued(store, anna, Notice(text="first"), Notice(text="second"))
    async with delivering(store, address):
        await asked_to_wait(store, anna)
    async with delivering(store, address):
        await enqueued(store, boris, Notice(text="other people do not wait"))
        await until(lambda: boris.reads() == ["other people do not wait"])
        assert anna.calls("sendMessage") == [429], "nothing was sent before its time"
        clock.advances(seconds=32)
        await until(lambda: anna.reads() == ["first", "second"])


async def test_a_storm_of_fifty_waits_keeps_the_order_and_holds_up_nobody_else(
    store: Store, anna: Phone, boris: Phone, address: str, clock: Clock
) -> None:
    anna.weather(Fault("*", anna.chat, code=429, retry_after=37, times=STORM))
    album = Album(pictures=(await picture(store), await picture(store, "blue")))
    await enqueued(store, anna, Notice(text="before"), album, Notice(text="after"))
    async with delivering(store, address) as delivery:
        for number in range(STORM):
            await asked_to_wait(store, anna)
            clock.advances(seconds=36)
            await enqueued(store, boris, Notice(text=str(number)))
            await until(lambda number=number: boris.reads()[-1:] == [str(number)])  # type: ignore[misc]
            assert len(statuses(anna)) == number + 1, "nothing was sent before its time"
            clock.advances(seconds=4)
            delivery.wake()
        await until(lambda: len(anna.sees()) == 4)
    assert statuses(anna)[:STORM] == [429] * STORM
    assert anna.reads() == ["before", "", "", "after"]


@pytest.mark.parametrize("kind", ["notice", "screen", "photo", "album", "document"])
async def test_a_message_whose_answer_was_lost_is_not_sent_twice(
    kind: str, store: Store, anna: Phone, address: str, clock: Clock
) -> None:
    shown = await picture(store)
    message: Message = {
        "notice": Notice(text="<b>once</b> &amp; only"),
        "screen": Screen(text="once", rows=(GO,)),
        "photo": Screen(text="once", picture=shown, rows=(GO,)),
        "album": Album(pictures=(shown, await picture(store, "blue"))),
        "document": Document(file=shown.file, filename="once.png"),
    }[kind]
    anna.says("/start")
    start = Slot(message_id=max(anna.world.messages[anna.chat]))
    await store.slots.put(anna.chat, INCOMING, start)
    method = {"notice": "sendMessage", "screen": "sendMessage", "photo": "sendPhoto", "album": "sendMediaGroup"}
    anna.weather(Fault(method.get(kind, "sendDocument"), anna.chat, drop="after"))
    await enqueued(store, anna, message, Notice(text="after it"))
    async with delivering(store, address):
        await until(lambda: len(anna.sees()) >= 1)
        await until(lambda: not anna.world.weather.faults)
        await asked_to_wait(store, anna)
        clock.advances(seconds=60)
        await everything_is_sent(store, anna)
    assert len(anna.sees()) == (3 if kind == "album" else 2)
    assert anna.reads()[-1] == "after it"


async def test_a_message_that_never_arrived_is_sent_after_the_break(
    store: Store, anna: Phone, address: str, clock: Clock
) -> None:
    anna.weather(Fault("sendMessage", anna.chat, drop="before"))
    await enqueued(store, anna, Notice(text="one"), Notice(text="two"))
    async with delivering(store, address):
        await asked_to_wait(store, anna)
        assert anna.reads() == [], "the second does not overtake the first"
        clock.advances(seconds=60)
        await until(lambda: anna.reads() == ["one", "two"])


async def test_server_errors_are_outlived(store: Store, anna: Phone, address: str, clock: Clock) -> None:
    anna.weather(Fault("sendMessage", anna.chat, code=502, times=3))
    await enqueued(store, anna, Notice(text="through"))
    async with delivering(store, address):
        for attempt in range(3):
            await until(lambda count=attempt + 1: len(anna.calls("sendMessage")) == count)
            await asked_to_wait(store, anna)
            clock.advances(seconds=60)
        await until(lambda: anna.reads() == ["through"])


async def test_what_is_pending_for_somebody_who_blocked_us_waits_for_them(
    store: Store, anna: Phone, delivery: Delivery
) -> None:
    anna.blocks()
    await enqueued(store, anna, Notice(text="a result"))
    delivery.wake()
    await until(lambda: anna.calls("sendMessage") == [403])
    await enqueued(store, anna, Notice(text="another"))
    await everything_is_sent(store, anna)
    assert anna.calls("sendMessage") == [403], "nobody knocks again"
    anna.blocks(False)
    await store.chats.reopen(anna.chat)
    await until(lambda: anna.reads() == ["a result", "another"])


async def test_an_edit_of_a_message_that_was_deleted_becomes_a_new_message(
    store: Store, anna: Phone, delivery: Delivery
) -> None:
    await enqueued(store, anna, Screen(text="one", rows=(GO,)))
    await until(lambda: anna.reads() == ["one"])
    anna.world.messages[anna.chat].clear()
    await enqueued(store, anna, Screen(text="two", rows=(GO,)))
    await until(lambda: anna.reads() == ["two"])


async def test_a_retired_screen_keeps_its_words_and_loses_its_buttons(
    store: Store, anna: Phone, delivery: Delivery
) -> None:
    await enqueued(store, anna, Screen(text="a step", rows=(GO,)))
    await until(lambda: anna.verbs() != set())
    await enqueued(store, anna, Retire(slot="screen"), Notice(text="next"))
    await until(lambda: "next" in anna.reads())
    assert anna.verbs() == set()
    assert anna.reads() == ["a step", "next"]


async def test_a_picture_that_is_gone_does_not_take_the_words_with_it(
    store: Store, anna: Phone, delivery: Delivery
) -> None:
    missing = Shown(file=ContentHash("0" * 64))
    await enqueued(store, anna, Screen(text="the words", picture=missing, rows=(GO,)))
    await until(lambda: anna.reads() == ["the words"])
    assert anna.verbs() == {"nav.home"}


async def test_a_message_that_is_too_long_is_cut_and_not_lost(store: Store, anna: Phone, delivery: Delivery) -> None:
    await enqueued(store, anna, Notice(text="<b>" + "word " * 2000 + "</b>"))
    await until(lambda: len(anna.reads()) == 1)
    assert 4000 < len(anna.reads()[0]) <= 4096


async def test_a_tap_is_answered_while_everything_else_of_the_chat_waits(
    store: Store, anna: Phone, delivery: Delivery
) -> None:
    anna.weather(Fault("sendMessage", anna.chat, code=429, retry_after=3600))
    await enqueued(store, anna, Notice(text="waits"))
    await until(lambda: anna.calls("sendMessage") == [429])
    tap = anna.world.taps.press(anna.person.id, anna.chat, 1, "nav.home:0")
    await enqueued(store, anna, Answer(callback_query_id=tap.id, text="Kept"), urgency=Urgency.ANSWER)
    delivery.wake()
    await until(lambda: tap.answered_at is not None, 1.0)
    assert tap.text == "Kept"


async def test_one_slow_answer_does_not_hold_up_the_next(store: Store, anna: Phone, delivery: Delivery) -> None:
    slow, quick = (anna.world.taps.press(anna.person.id, anna.chat, n, "nav.home:0") for n in (1, 2))
    anna.weather(Fault("answerCallbackQuery", delay=5.0))
    await enqueued(store, anna, Answer(callback_query_id=slow.id), urgency=Urgency.ANSWER)
    delivery.wake()
    await until(lambda: not anna.world.weather.faults)
    await enqueued(store, anna, Answer(callback_query_id=quick.id), urgency=Urgency.ANSWER)
    delivery.wake()
    await until(lambda: quick.answered_at is not None, 1.0)


async def test_an_answer_that_comes_too_late_troubles_nobody(store: Store, anna: Phone, delivery: Delivery) -> None:
    await enqueued(store, anna, Answer(callback_query_id="12345"), urgency=Urgency.ANSWER)
    await enqueued(store, anna, Notice(text="still here"))
    delivery.wake()
    await until(lambda: anna.reads() == ["still here"])

    async def is_over() -> bool:
        return not await store.outbox.answers()

    await until(is_over)


async def test_an_answer_refused_at_first_is_tried_again_though_the_clock_leapt_a_day(
    store: Store, clock: Clock, anna: Phone, delivery: Delivery
) -> None:
    tap = anna.world.taps.press(anna.person.id, anna.chat, 1, "nav.home:0")
    anna.weather(Fault("answerCallbackQuery", code=429, retry_after=1))
    await enqueued(store, anna, Answer(callback_query_id=tap.id), urgency=Urgency.ANSWER)
    clock.advances(days=1)
    delivery.wake()
    await until(lambda: tap.answered_at is not None)


async def test_what_cannot_be_read_is_put_aside_and_the_chat_goes_on(
    store: Store, anna: Phone, delivery: Delivery
) -> None:
    await store.outbox.enqueue(anna.chat, '{"type": "hologram"}', urgency=Urgency.REPLY)
    await enqueued(store, anna, Notice(text="goes on"))
    await until(lambda: anna.reads() == ["goes on"])


async def test_a_group_that_became_a_supergroup_gets_its_messages(
    store: Store, anna: Phone, delivery: Delivery
) -> None:
    group = anna.world.add_group("Neon evening", [anna.person.id], Standing.MEMBER)
    anna.world.migrate(group)
    await enqueue(store, group.id, Notice(text="moved along"), Urgency.REPLY)
    new = group.migrated_to
    assert new is not None
    await until(lambda: any(m.text == "moved along" for m in anna.world.messages[new].values()))


async def test_a_picture_is_uploaded_once_and_then_sent_to_everybody_by_its_id(
    store: Store, anna: Phone, boris: Phone, delivery: Delivery
) -> None:
    looks = Sheet(cells=(Cell(asset="looks/neon-sign.png", label="1"),), columns=1)
    await enqueued(store, anna, Screen(text="looks", picture=looks, rows=(GO,)))
    await until(lambda: anna.reads() == ["looks"])
    await everything_is_sent(store, anna)
    await enqueued(store, boris, Screen(text="looks", picture=looks, rows=(GO,)))
    await until(lambda: boris.reads() == ["looks"])
    assert anna.sees()[0].photo == boris.sees()[0].photo


async def test_a_picture_whose_id_is_refused_is_uploaded_anew_and_the_new_id_is_kept(
    store: Store, anna: Phone, boris: Phone, delivery: Delivery
) -> None:
    shown = Asset(path="looks/neon-sign.png")
    await store.uploads.remember(Upload(bot=BOT_ID, picture=name_of(shown), file_id="AgACgone", chat_id=None))
    await enqueued(store, anna, Screen(text="a look", picture=shown, rows=(GO,)))
    await until(lambda: anna.reads() == ["a look"])
    await everything_is_sent(store, anna)
    assert await store.uploads.find(BOT_ID, name_of(shown)) == anna.sees()[0].photo[-1]


async def test_an_album_with_a_refused_id_comes_whole(store: Store, anna: Phone, delivery: Delivery) -> None:
    pictures = (await picture(store, "red"), await picture(store, "green"))
    await store.uploads.remember(
        Upload(bot=BOT_ID, picture=name_of(pictures[1]), file_id="AgACgone", chat_id=anna.chat)
    )
    await enqueued(store, anna, Album(pictures=pictures))
    await until(lambda: len(anna.sees()) == 2)


async def test_a_picture_shown_again_is_edited_in_by_its_id(store: Store, anna: Phone, delivery: Delivery) -> None:
    red, blue = await picture(store, "red"), await picture(store, "blue")
    for number, shown in enumerate((red, blue, red)):
        await enqueued(store, anna, Screen(text=str(number), picture=shown, rows=(GO,)))
        await until(lambda number=number: anna.reads() == [str(number)])  # type: ignore[misc]
        await everything_is_sent(store, anna)
    first = await store.uploads.find(BOT_ID, name_of(red))
    assert first == anna.sees()[0].photo[-1]
    assert len({file.photo[0] for file in anna.world.files.known.values()}) == 2, "two pictures, two uploads"
