"""From what people do to what they see, through the whole bot over real HTTP."""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import count
from types import SimpleNamespace

from structlog.testing import capture_logs
from telegram import Bot, Update

from bot.steps.walk import Walk
from bot.telegram.app import TelegramBot
from bot.telegram.routes import Routes
from bot.walks import Walks
from bot.words import Words
from rehearsal.records import Standing
from storage.errors import NoRoom
from storage.records import Person
from storage.room import Room
from storage.states import Urgency
from storage.store import Store
from tests.bot.telegram.conftest import talking
from tests.bot.telegram.phone import TOKEN, Phone
from tests.cast import Painter
from tests.waiting import until

FULL_CHAT = 99


async def test_a_person_begins_with_two_taps(bot: TelegramBot, store: Store, boris: Phone) -> None:
    await boris.starts()
    await boris.taps("quest.new")
    await until(lambda: boris.offers("style.kind"))
    quest = await store.quests.current(boris.person.id)
    assert quest is not None
    assert quest.chat_id == boris.chat


async def test_everybody_is_spoken_to_in_their_own_language(bot: TelegramBot, anna: Phone, boris: Phone) -> None:
    await anna.starts()
    await boris.starts()
    assert not re.search("[а-яА-Я]", " ".join(anna.reads()))
    assert re.search("[а-яА-Я]", " ".join(boris.reads()))


async def test_twenty_taps_in_a_second_do_one_thing_and_are_all_answered(
    bot: TelegramBot, store: Store, boris: Phone
) -> None:
    await boris.starts()
    button = await boris.finds("quest.new")
    pressed = [boris.starts_pressing(button) for _ in range(20)]
    await until(lambda: all(tap.answered_at is not None for tap in pressed))
    assert len({tap.text for tap in pressed}) == 1
    assert len(await store.quests.of(boris.person.id)) == 1
    assert max((tap.answered_at or 0) - tap.at for tap in pressed) < 1.0


async def test_a_button_that_nobody_drew_is_answered_and_does_nothing(
    bot: TelegramBot, store: Store, boris: Phone
) -> None:
    await boris.starts()
    button = await boris.finds("quest.new")
    for data in (
        "",
        "nonsense",
        "quest.new",
        "quest.new:x:y:z",
        "quest.delete:999999999999999999999:1",
        "job.cancel:99999999999999999999:0",
        "quest.open:9223372036854775808:0",
        "quest.open:-1:0",
        "quest.open:007:0",
        "quest.open:٣:0",
        "curate.page:1_0:0",
        "train.stop:" + "9" * 40,
        "🙂:0",
    ):
        tap = await boris.presses(replace(button, data=data))
        assert tap.text == Words("ru").plain("tap.unreadable"), data
    assert len(boris.reads()) == 1, "nobody apologises for it"
    assert await store.quests.of(boris.person.id) == ()


async def test_two_people_never_touch_each_others_quests(
    bot: TelegramBot, store: Store, anna: Phone, boris: Phone
) -> None:
    for phone in (anna, boris):
        await phone.starts()
        await phone.taps("quest.new")
        await until(lambda phone=phone: phone.offers("style.kind"))
    (hers,) = await store.quests.of(anna.person.id)
    button = await boris.finds("style.kind")
    await boris.presses(replace(button, data=f"quest.delete:{hers.id}:0"))
    assert await store.quests.find(hers.id) is not None


async def test_of_who_asks_to_be_forgotten_nothing_is_kept(bot: TelegramBot, store: Store, boris: Phone) -> None:
    await boris.starts()
    await boris.taps("quest.new")
    boris.says("/forget")
    await boris.taps("forget.yes")
    await until(lambda: not boris.offers("forget.yes"))

    async def is_forgotten() -> bool:
        return await rows_with(store, boris.person.id) == []

    await until(is_forgotten)


async def rows_with(store: Store, number: int) -> list[str]:
    """Names of the tables that hold this number in any column, or in a text."""
    tables = await store.database.all("SELECT name FROM sqlite_master WHERE type = 'table'")
    found = []
    for table in tables:
        rows = await store.database.all(f"SELECT * FROM {table['name']}")
        if any(str(number) in str(value) for row in rows for value in row.values()):
            found.append(table["name"])
    return found


async def test_what_is_no_text_gets_a_sentence_too(bot: TelegramBot, boris: Phone) -> None:
    boris.says("/start")
    await until(lambda: len(boris.reads()) == 1)
    boris.says("/nonsense")
    await until(lambda: len(boris.reads()) == 2)
    boris.says("x" * 10_000)
    await until(lambda: len(boris.reads()) >= 3)


async def test_a_group_is_told_that_the_walk_is_private(bot: TelegramBot, anna: Phone) -> None:
    group = anna.world.add_group("Neon evening", [anna.person.id], Standing.MEMBER)
    anna.world.hear(anna.world.drafted(group.id, anna.person.id, text="/start"))
    await until(
        lambda: any(m.text == Words("en")("group.private_only") for m in anna.world.messages[group.id].values())
    )


async def test_who_blocks_the_bot_is_remembered_so_and_welcome_back(
    bot: TelegramBot, store: Store, boris: Phone
) -> None:
    await boris.starts()
    boris.blocks()

    async def is_closed() -> bool:
        return (await store.chats.find(boris.chat)).closed

    await until(is_closed)
    person = await store.people.find(boris.person.id)
    assert person is not None
    assert person.blocked
    boris.says("/start")
    await until(lambda: len(boris.reads()) == 2)
    person = await store.people.find(boris.person.id)
    assert person is not None
    assert not person.blocked


async def test_commands_are_set_for_everybody_and_admins_have_one_more(bot: TelegramBot, anna: Phone) -> None:
    calls = anna.world.calls
    await until(lambda: sum(call["method"] == "setMyCommands" and call["status"] == 200 for call in calls) == 4)
    await until(lambda: sum(call["method"] == "setMyDescription" and call["status"] == 200 for call in calls) == 3)
    await until(lambda: sum(call["method"] == "setMyShortDescription" for call in calls) == 3)


@dataclass
class Broken:
    """A journey that cannot even begin for one person."""

    walks: Walks
    person: int

    async def of(self, person: Person) -> Walk:
        """Fails for that person."""
        if person.id == self.person:
            raise KeyError("a bug")
        return await self.walks.of(person)


def written(number: int, person: Phone, text: str) -> Update:
    """An update as Telegram delivers it."""
    user = {"id": person.person.id, "is_bot": False, "first_name": "X", "language_code": person.person.language_code}
    chat = {"id": person.chat, "type": "private"}
    message = {"message_id": number, "date": 1_790_000_000, "chat": chat, "from": user, "text": text}
    found = Update.de_json({"update_id": number, "message": message}, Bot(TOKEN))
    assert found is not None
    return found


async def test_a_bug_for_one_person_is_said_calmly_and_stops_nobody_else(
    bot: TelegramBot, store: Store, anna: Phone, boris: Phone
) -> None:
    routes = Routes(store, Broken(Walks(store), anna.person.id).of, "en", bot.delivery.wake)
    for update in (written(1, anna, "/start"), written(2, boris, "/start")):
        await store.inbox.take(update.update_id, None, update.to_json())
        await routes.handle(update)
    await until(lambda: len(anna.reads()) == 1 and boris.offers("quest.new"))
    (sentence,) = anna.reads()
    found = re.search(r"[0-9a-f]{6}$", sentence)
    assert found, "it names what to ask for"
    assert "KeyError" not in sentence
    assert "Traceback" not in sentence
    assert await store.inbox.pending() == ()


async def test_an_update_is_handled_whole_or_not_at_all(bot: TelegramBot, store: Store, anna: Phone) -> None:
    routes = Routes(store, Broken(Walks(store), anna.person.id).of, "en", bot.delivery.wake)
    update = written(1, anna, "/start")
    await routes.handle(update)
    assert anna.reads() == [], "an update that was never taken is not handled"


async def fill_up(store: Store) -> None:
    """The database may not grow, and no free byte is left where messages are kept."""
    await store.chats.close(FULL_CHAT, "blocked")
    pages = (await store.database.all("PRAGMA page_count"))[0]["page_count"]
    await store.database.maintain(f"PRAGMA max_page_count = {pages}")
    with suppress(NoRoom):
        for number in count(1):
            await store.outbox.enqueue(FULL_CHAT, "{}", urgency=Urgency.PROGRESS, key=f"filler {number}")


async def test_what_is_written_while_the_disk_is_full_is_answered_once_when_it_is_not(
    bot: TelegramBot, store: Store, boris: Phone
) -> None:
    await boris.starts()
    before = len(boris.sees())
    await fill_up(store)
    with capture_logs() as logs:
        boris.says("/help")
        await until(lambda: "cannot write" in [entry["event"] for entry in logs])
        assert len(boris.sees()) == before
        await store.database.maintain("PRAGMA max_page_count = 100000")
        await until(lambda: len(boris.sees()) > before)
    assert len(boris.sees()) == before + 1
    assert [entry["event"] for entry in logs if "write" in entry["event"]] == ["cannot write", "can write again"]


async def test_a_tap_refused_for_want_of_room_can_be_tapped_again_when_there_is_room(
    store: Store, address: str, anna: Phone
) -> None:
    await Painter(store).arrives()
    async with talking(store, address):
        await anna.starts()
        for verb in ("quest.new", "style.kind", "style.preset", "style.ok", "trigger.use", "trigger.ok"):
            await anna.taps(verb)
        found, store.database.room = (
            store.database.room,
            Room(store.folder, lambda _folder: SimpleNamespace(total=1 << 40, free=0)),
        )
        button = await anna.finds("hunt.start")
        for room, toast in ((None, Words("en").plain("refused.NoRoom")), (found, "")):
            store.database.room = room or store.database.room
            tap = await anna.presses(button)
            assert tap.text == toast
    assert len(await store.queue.live()) == 1
