"""The admin's panel, tapped by an admin and by somebody who is none."""

from __future__ import annotations

import pytest

from bot.admin import panel
from bot.buttons import BUTTONS
from bot.screens import Button, Reply, Screen
from bot.steps import journey
from bot.steps.walk import Walk
from bot.taps import Tap, Verb
from bot.words import LANGUAGES, Words
from storage.families import Family
from storage.records import ContentHash, Drawing, Job, MachineFacts, ModelFacts, Person, Seed
from storage.requests import HuntRequest, Row
from storage.states import JobState
from storage.store import Store

ADMIN, BORIS = 11, 22


async def walk_of(store: Store, person_id: int, language: str = "en") -> Walk:
    """A walk of that person, with one admin in the settings."""
    person: Person = await store.people.meet(person_id, person_id, language)
    return Walk(
        store=store,
        person=person,
        quest=None,
        words=Words(language),
        clock=store.clock,
        machine=await store.machine.facts(),
        admins=frozenset({ADMIN}),
    )


async def boris_asks(store: Store) -> Job:
    """Somebody's hunt waits in the queue."""
    await store.people.meet(BORIS, BORIS, "en")
    row = Row(prompt="a cat", negative="", seed=Seed(1), subject="a cat", drawing=Drawing())
    return await store.queue.enqueue(HuntRequest(rows=(row,)), key="hunt", quest=None, user=BORIS)


def screen_of(shows: tuple[object, ...]) -> Screen:
    """The one screen shown."""
    (screen,) = shows
    assert isinstance(screen, Screen)
    return screen


def verbs(screen: Screen) -> dict[str, Tap]:
    """The screen's taps by verb."""
    taps = [Tap.read(button.data) for row in screen.rows for button in row if isinstance(button, Button)]
    return {tap.verb.value: tap for tap in taps}


async def tapped(walk: Walk, tap: Tap) -> Reply:
    return await journey.on_tap(walk, tap, BUTTONS[tap.verb])


async def test_only_who_the_operator_listed_may_see_it(store: Store) -> None:
    assert panel.may(await walk_of(store, ADMIN))
    boris = await walk_of(store, BORIS)
    assert not panel.may(boris)
    for verb in panel.TAPS:
        reply = await tapped(boris, Tap(verb, ("1",) * len(panel.TAPS[verb].takes)))
        assert (reply.toast, reply.messages) == (boris.words.plain("tap.unreadable"), ())
    assert not await store.machine.paused()


async def test_a_paused_machine_offers_to_go_on_and_the_other_way_round(store: Store) -> None:
    walk = await walk_of(store, ADMIN)
    shown = screen_of((await panel.show(walk)).messages)
    assert Verb.ADMIN_PAUSE in verbs(shown)
    paused = await tapped(walk, verbs(shown)[Verb.ADMIN_PAUSE])
    assert await store.machine.paused()
    assert paused.toast
    resume = verbs(screen_of(paused.messages))[Verb.ADMIN_RESUME]
    await tapped(walk, resume)
    assert not await store.machine.paused()


async def test_canceling_a_job_asks_again_and_leaves_a_note(store: Store) -> None:
    job = await boris_asks(store)
    walk = await walk_of(store, ADMIN)
    shown = screen_of((await panel.show(walk)).messages)
    asked = screen_of((await tapped(walk, verbs(shown)[Verb.ADMIN_CANCEL])).messages)
    found = await store.queue.find(job.id)
    assert found is not None
    assert found.state is JobState.QUEUED, "asking changes nothing"
    assert asked.slot == shown.slot, "on the same message"
    await tapped(walk, verbs(asked)[Verb.ADMIN_CANCEL_YES])
    found = await store.queue.find(job.id)
    assert found is not None
    assert found.state is JobState.CANCELED
    (note,) = await store.audit.notes()
    assert (note.actor, note.action, note.object) == (ADMIN, "cancel", str(job.id))


async def test_a_job_that_has_ended_meanwhile_is_said_so(store: Store) -> None:
    walk = await walk_of(store, ADMIN)
    for verb in (Verb.ADMIN_CANCEL, Verb.ADMIN_CANCEL_YES):
        assert (await tapped(walk, Tap(verb, ("999",)))).toast == walk.words.plain("admin.done.gone")
        for args in (("x",), ()):
            assert (await tapped(walk, Tap(verb, args))).toast == walk.words.plain("tap.unreadable")


@pytest.mark.parametrize("language", LANGUAGES)
async def test_the_panel_fits_a_phone_in_every_language_with_a_full_queue(store: Store, language: str) -> None:
    model = ModelFacts(
        name="emoji",
        family=Family.EMOJI,
        size_px=128,
        prediction="v_prediction",
        tokenizer=ContentHash("a"),
        max_tokens=77,
    )
    facts = MachineFacts(
        engine="e", device="cpu", memory_mode="resident", dtype="float32", model=model, seconds_per_picture=1.5
    )
    await store.machine.announce(facts)
    row = Row(prompt="a cat", negative="", seed=Seed(1), subject="a cat", drawing=Drawing())
    for person in range(100, 130):
        await store.people.meet(person, person, "en")
        await store.queue.enqueue(HuntRequest(rows=(row,)), key=f"hunt:{person}", quest=None, user=person)
    walk = await walk_of(store, ADMIN, language)
    for verb in (Verb.ADMIN_PAUSE, Verb.ADMIN_RESUME):
        await tapped(walk, Tap(verb))
    shown = screen_of((await panel.show(walk)).messages)
    assert len(shown.text) < 4096
    assert "emoji" in shown.text
    assert len(shown.rows) <= 8
