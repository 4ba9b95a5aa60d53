"""An album of a hunt over a restart of the bot: its buttons still work, and those of an album before it say so."""

from __future__ import annotations

from bot.words import Words
from launch.person import Seen
from storage.states import Stage
from storage.store import Store
from tests.bot.telegram.conftest import talking
from tests.bot.telegram.phone import Phone
from tests.cast import Painter
from tests.waiting import until

WAY = ("quest.new", "style.kind", "style.preset", "style.ok", "trigger.use", "trigger.ok")


async def album(store: Store, phone: Phone, verb: str) -> Seen:
    """Asks for an album and waits for it; its first button."""
    before = await phone.finds("hunt.pick") if phone.offers("hunt.pick") else None
    await phone.taps(verb)
    await Painter(store).works()

    async def another() -> Seen | None:
        found = await phone.finds("hunt.pick")
        return found if found != before else None

    return await until(another)


async def test_an_album_can_be_picked_from_after_the_bot_was_restarted(store: Store, address: str, anna: Phone) -> None:
    await Painter(store).arrives()
    async with talking(store, address):
        await anna.starts()
        for verb in WAY:
            await anna.taps(verb)
        await album(store, anna, "hunt.start")
    async with talking(store, address):
        assert "Picked" in (await anna.taps("hunt.pick")).text
        quest = await store.quests.current(anna.person.id)
    assert quest is not None
    assert quest.pick is not None
    assert quest.stage is not Stage.ALBUM


async def test_an_album_whose_step_is_over_says_so_and_shows_where_one_is(
    store: Store, address: str, anna: Phone
) -> None:
    await Painter(store).arrives()
    async with talking(store, address):
        await anna.starts()
        for verb in WAY:
            await anna.taps(verb)
        button = await album(store, anna, "hunt.start")
        await album(store, anna, "hunt.more")
        await anna.taps("hunt.pick")
    async with talking(store, address):
        before = await store.quests.current(anna.person.id)
        tap = await anna.presses(button)
        after = await store.quests.current(anna.person.id)
    assert tap.text.startswith(Words("en").plain("tap.stale", step="|").partition("|")[0])
    assert after == before
