"""An album of a hunt over a restart of the bot: its buttons still work, and those of an album before it say so."""

from __future__ import annotations

from bot.words import Words
from rehearsal.records import Message
from storage.states import Stage
from storage.store import Store
from tests.bot.telegram.conftest import talking
from tests.bot.telegram.phone import Phone
from tests.bot.telegram.test_routes import starts, taps
from tests.cast import Painter
from tests.waiting import until

WAY = ("quest.new", "style.kind", "style.preset", "style.ok", "trigger.use", "trigger.ok")


async def album(store: Store, phone: Phone, verb: str) -> tuple[Message, str]:
    """Asks for an album and waits for it; its first button and the message that has it."""
    before = phone.buttons().get("hunt.pick")
    await taps(phone, verb)
    await Painter(store).works()
    return await until(lambda: (found := phone.buttons().get("hunt.pick")) != before and found)


async def test_an_album_can_be_picked_from_after_the_bot_was_restarted(store: Store, address: str, anna: Phone) -> None:
    await Painter(store).arrives()
    async with talking(store, address):
        await starts(anna)
        for verb in WAY:
            await taps(anna, verb)
        await album(store, anna, "hunt.start")
    async with talking(store, address):
        assert "Picked" in await taps(anna, "hunt.pick")
        quest = await store.quests.current(anna.person.id)
    assert quest is not None
    assert quest.pick is not None
    assert quest.stage is not Stage.ALBUM


async def test_an_album_whose_step_is_over_says_so_and_shows_where_one_is(
    store: Store, address: str, anna: Phone
) -> None:
    await Painter(store).arrives()
    async with talking(store, address):
        await starts(anna)
        for verb in WAY:
            await taps(anna, verb)
        message, data = await album(store, anna, "hunt.start")
        await album(store, anna, "hunt.more")
        await taps(anna, "hunt.pick")
    async with talking(store, address):
        before = await store.quests.current(anna.person.id)
        tap = anna.taps_on(message, data)
        await until(lambda: tap.answered_at is not None)
        after = await store.quests.current(anna.person.id)
    assert tap.text.startswith(Words("en").plain("tap.stale", step="|").partition("|")[0])
    assert after == before
