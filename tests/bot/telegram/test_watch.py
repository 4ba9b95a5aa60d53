"""Jobs' news become messages, once; nobody's news are held up by somebody else's."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from bot.screens import Notice
from bot.steps.walk import Walk
from bot.telegram.watch import Watch
from bot.walks import WalkFor
from bot.words import LANGUAGES, Words
from storage.documents import load
from storage.errors import DiskFails, NoRoom, OutOfMemory
from storage.families import Family
from storage.records import ContentHash, Drawing, Job, MachineFacts, ModelFacts, Person, Progress, Seed
from storage.requests import HuntRequest, Row
from storage.states import JobState, Lane, ModelFault
from storage.store import Store
from tests.clock import Clock

ANNA, BORIS = 7, 8
MODEL = ModelFacts(
    name="emoji", family=Family.EMOJI, size_px=128, prediction="epsilon", tokenizer=ContentHash("0"), max_tokens=77
)
FACTS = MachineFacts(engine="e", device="cpu", memory_mode="resident", dtype="float32", model=MODEL)


@dataclass
class Steps:
    """Walks for everybody but one, for whom the journey has a bug."""

    store: Store
    broken_for: int = 0

    async def __call__(self, person: Person) -> Walk:
        if person.id == self.broken_for:
            raise KeyError("a bug")
        quest = await self.store.quests.current(person.id)
        return Walk(store=self.store, person=person, quest=quest, words=Words(person.language), clock=self.store.clock)


def watching(store: Store, walks: WalkFor) -> Watch:
    """A watch that wakes nobody."""
    return Watch(store, walks, lambda: None)


async def hunts(store: Store, person_id: int) -> Job:
    """Somebody's hunt is in the queue."""
    await store.people.meet(person_id, person_id, "en")
    quest = await store.quests.begin(person_id, person_id)
    row = Row(prompt="a cat", negative="", seed=Seed(1), subject="a cat", drawing=Drawing())
    return await store.queue.enqueue(HuntRequest(rows=(row,)), key=f"hunt:{person_id}", quest=quest.id, user=person_id)


async def notices(store: Store, person_id: int) -> list[str]:
    """The plain messages pending for somebody, sent as far as this test is concerned."""
    found = []
    while pending := await store.outbox.next_for(person_id):
        if pending.body.startswith('{"type":"notice"'):
            found.append(load(Notice, pending.body).text)
        await store.outbox.sent(pending.id)
    return found


async def test_who_waits_for_a_silent_engine_hears_so_once(store: Store, clock: Clock) -> None:
    await hunts(store, ANNA)
    watch = watching(store, Steps(store))
    await watch.tell_of_silence()
    assert await notices(store, ANNA) == [], "a moment is no silence"
    clock.advances(seconds=60)
    for _ in range(3):
        await watch.tell_of_silence()
    assert await notices(store, ANNA) == [Words("en")("engine.silent")]


async def test_who_waits_for_an_engine_without_a_model_hears_why(store: Store, clock: Clock) -> None:
    await hunts(store, ANNA)
    await store.machine.refuse("some-lora", ModelFault.LORA)
    clock.advances(seconds=60)
    await watching(store, Steps(store)).tell_of_silence()
    (said,) = await notices(store, ANNA)
    assert "some-lora" in said
    assert "LoRA" in said


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("fault", list(ModelFault))
def test_every_reason_for_having_no_model_has_words(fault: ModelFault, language: str) -> None:
    assert "dreams" in Words(language)(f"model.fault.{fault}", model="dreams")


async def test_a_model_that_is_loaded_takes_the_refusal_back(store: Store) -> None:
    await store.machine.refuse("some-lora", ModelFault.LORA)
    assert await store.machine.refusal() == ("some-lora", ModelFault.LORA)
    assert not await store.machine.alive()
    assert await store.machine.facts() is None
    await store.machine.announce(FACTS)
    assert await store.machine.refusal() is None


async def test_nobody_is_alarmed_while_the_engine_beats(store: Store, clock: Clock) -> None:
    await hunts(store, ANNA)
    clock.advances(seconds=60)
    await store.machine.announce(FACTS)
    await watching(store, Steps(store)).tell_of_silence()
    assert await notices(store, ANNA) == []


async def test_news_that_cannot_be_put_into_words_hold_up_nobody_elses(store: Store) -> None:
    jobs = [await hunts(store, person) for person in (ANNA, BORIS)]
    watch = watching(store, Steps(store, broken_for=ANNA))
    await watch.look()
    assert await store.outbox.next_for(BORIS) is not None
    await watch.look()
    assert await store.queue.pending_notices() == ()
    assert len(jobs) == 2


async def test_the_end_of_a_job_is_said_plainly_when_the_journey_cannot(store: Store) -> None:
    job = await hunts(store, ANNA)
    claimed = await store.leases.claim("engine", 30.0)
    assert claimed is not None
    await store.leases.fail(job.id, claimed.lease_token, OutOfMemory())
    watch = watching(store, Steps(store, broken_for=ANNA))
    for _ in range(3):
        await watch.look()
    assert await notices(store, ANNA) == [Words("en")("job.ended_plainly")]
    ended = await store.queue.find(job.id)
    assert ended is not None
    assert ended.state is JobState.FAILED


async def test_news_are_told_once_over_a_restart(store: Store) -> None:
    job = await hunts(store, ANNA)
    claimed = await store.leases.claim("engine", 30.0, (Lane.INTERACTIVE,))
    assert claimed is not None
    await watching(store, Steps(store)).look()
    await store.leases.beat(job.id, claimed.lease_token, 30.0, Progress(done=1, total=4))
    await watching(store, Steps(store)).look()
    assert await store.queue.pending_notices() == ()
    await watching(store, Steps(store)).look()
    pending = await store.outbox.next_for(ANNA)
    assert pending is not None
    await store.outbox.sent(pending.id)
    assert await store.outbox.next_for(ANNA) is None, "one status message, its newest news only"


async def full(store: Store) -> Job:
    """A job that was held because the disk is full."""
    job = await hunts(store, ANNA)
    claimed = await store.leases.claim("engine", 30.0)
    assert claimed is not None
    await store.leases.hold(job.id, claimed.lease_token, NoRoom())
    return job


async def test_admins_hear_once_that_the_disk_is_full_and_once_that_it_is_not(store: Store) -> None:
    await store.people.meet(BORIS, BORIS, "ru")
    await full(store)
    for _ in range(3):  # the bot may be restarted between two looks
        await Watch(store, Steps(store), lambda: None, admins=[BORIS]).tell_of_room()
    assert await notices(store, BORIS) == [Words("ru")("admin.room.NoRoom")]
    assert await store.leases.release_held() == 1
    for _ in range(3):
        await Watch(store, Steps(store), lambda: None, admins=[BORIS]).tell_of_room()
    assert await notices(store, BORIS) == [Words("ru")("admin.room.back")]


async def test_nobody_but_admins_hears_of_the_disk(store: Store) -> None:
    await full(store)
    await Watch(store, Steps(store), lambda: None, admins=[BORIS]).tell_of_room()  # who never wrote to the bot
    assert await notices(store, ANNA) == []


async def test_every_reason_to_hold_has_words_in_every_language() -> None:
    for language in LANGUAGES:
        for reason in (NoRoom, DiskFails):
            assert Words(language)(f"admin.room.{reason.__name__}") != f"admin.room.{reason.__name__}"
