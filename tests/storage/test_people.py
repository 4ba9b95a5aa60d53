"""People are met, remembered, and forgotten to the last byte."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from storage.records import Style
from storage.requests import PayloadRequest
from storage.states import JobState, Urgency
from storage.store import Store
from tests.asking import ANNA, BORIS, Desk, row

SECRET = "QUOKKA-ON-A-BICYCLE"


async def test_a_person_is_met_once_and_keeps_the_language_they_chose(store: Store) -> None:
    anna = await store.people.meet(ANNA, ANNA, "en")
    await store.people.save(replace(anna, language="ko", consented=True))
    again = await store.people.meet(ANNA, ANNA, "ru")
    assert (again.language, again.consented, again.created) == ("ko", True, anna.created)


async def test_who_writes_again_after_blocking_the_bot_has_unblocked_it(store: Store) -> None:
    anna = await store.people.meet(ANNA, ANNA, "en")
    await store.people.save(replace(anna, blocked=True))
    assert not (await store.people.meet(ANNA, ANNA, "en")).blocked


async def test_holdings_count_what_is_kept(desk: Desk) -> None:
    await desk.payload_of(ANNA, 3)
    await desk.payload_of(BORIS, 1)
    holdings = await desk.store.people.holdings(ANNA)
    assert (holdings.quests, holdings.pictures, holdings.seals) == (1, 3, 0)
    assert holdings.bytes == sum(len(f"picture 1 {position}") for position in range(3))


async def fill(desk: Desk) -> None:
    """Leaves Anna's secret and number wherever they can get."""
    store = desk.store
    quest = await desk.quest_of(ANNA)
    await store.quests.save(replace(quest, name=SECRET, style=Style(modifiers=SECRET), subjects=(SECRET,)))
    job = await desk.asks(ANNA, PayloadRequest(rows=(row(subject=SECRET),)))
    await desk.claims()
    file = await store.files.put(SECRET.encode(), ".png")
    assert job.quest is not None
    picture = await desk.draws(replace(job, lease_token=1), 0)
    await store.candidates.gather(quest.id)
    await store.candidates.caption(quest.id, picture.id, SECRET, True)
    await store.inbox.take(77, ANNA, f'{{"text": "{SECRET}", "from": {ANNA}}}')
    await store.inbox.remember_tap(ANNA, 5, SECRET, SECRET)
    await store.outbox.enqueue(ANNA, f'{{"text": "{SECRET}", "file": "{file}"}}', urgency=Urgency.EVENT)
    await store.audit.note(ANNA, "looked", str(ANNA))
    await store.audit.note(BORIS, "banned", str(ANNA))


@pytest.mark.parametrize("inside_a_handler", [False, True])
async def test_nothing_of_a_forgotten_person_is_left_in_any_byte(desk: Desk, inside_a_handler: bool) -> None:
    await fill(desk)
    if inside_a_handler:
        async with desk.store.write():
            await desk.store.people.forget(ANNA)
    else:
        await desk.store.people.forget(ANNA)
    integers = [str(ANNA).encode(), ANNA.to_bytes(4, "big"), ANNA.to_bytes(8, "big"), SECRET.encode()]
    for path in filter(Path.is_file, desk.store.folder.rglob("*")):
        data = path.read_bytes()
        assert not [needle for needle in integers if needle in data], path.name


async def test_bytes_are_found_before_forgetting_so_the_search_proves_something(desk: Desk) -> None:
    await fill(desk)
    found = b"".join(path.read_bytes() for path in desk.store.folder.rglob("*") if path.is_file())
    assert SECRET.encode() in found
    assert ANNA.to_bytes(4, "big") in found


async def test_a_second_delivery_does_not_bring_a_forgotten_person_back(desk: Desk) -> None:
    await fill(desk)
    await desk.store.people.forget(ANNA)
    assert not await desk.store.inbox.take(77, ANNA, "{}")


async def test_others_lose_nothing_when_a_person_is_forgotten(desk: Desk) -> None:
    shared = await desk.store.files.put(b"the same picture", ".png")
    job, (picture, *_) = await desk.payload_of(BORIS, 2)
    await fill(desk)
    anna = await desk.asks(ANNA)
    claimed = await desk.claims()
    assert claimed.id == anna.id
    for user in (ANNA, BORIS):
        await desk.store.outbox.enqueue(user, "hello", urgency=Urgency.REPLY)
    await desk.store.people.forget(ANNA)
    assert await desk.store.pictures.find(picture.id) == picture
    assert await desk.store.files.read(picture.file)
    assert await desk.store.outbox.chats_with_pending() == (BORIS,)
    assert (await desk.sees(job)).state is JobState.DONE
    assert await desk.store.files.read(shared)  # young: a row may be on its way
    assert [person.id for person in await desk.store.people.all()] == [BORIS]
