"""What goes wrong on the way, and what people are told: what is kept, and what happens next."""

from __future__ import annotations

import io
import json
import zipfile
from dataclasses import replace

import pytest

from bot.rules.quotas import MOST_LIVE
from bot.screens import Document, Message, Notice, Screen, Sheet
from bot.taps import Tap, Verb
from bot.telegram.packing import Packing
from storage.documents import load
from storage.errors import OutOfMemory
from storage.requests import read_request
from storage.states import LIVE_STATES, JobKind, JobState, Lane, Stage, Step, Wish
from storage.store import Store
from tests.cast import Painter, Traveller
from tests.clock import Clock


async def test_after_a_week_start_brings_people_where_they_stood(anna: Traveller, clock: Clock) -> None:
    await anna.chooses_a_style()
    await anna.hunts()
    await anna.picks(1)
    await anna.fills_the_payload()
    for _ in range(9):
        await anna.taps("curate.keep")
    clock.advances(days=7)
    await anna.says("/start")
    assert "9 kept of 15–20" in anna.newest()
    await anna.taps("quest.open")
    assert (await anna.quest()).stage is Stage.CARDS
    assert "kept 9" in anna.newest()


async def test_an_undone_verdict_shows_its_candidate_again(anna: Traveller) -> None:
    await anna.chooses_a_style()
    await anna.hunts()
    await anna.picks(1)
    await anna.fills_the_payload()
    judged = Tap.read(anna.finds("curate.keep").data).args
    await anna.taps("curate.keep")
    assert not anna.offers("curate.keep", *judged)
    await anna.taps("curate.undo")
    assert anna.offers("curate.keep", *judged)


async def test_an_old_keyboard_does_nothing_and_shows_where_one_stands(anna: Traveller) -> None:
    await anna.chooses_a_style()
    old = anna.finds("hunt.start")
    await anna.hunts()
    await anna.picks(1)
    before = await anna.quest()
    reply = await anna.presses(old)
    assert reply.toast == "This keyboard is from an earlier step. You are here now: Payload."
    assert await anna.quest() == before
    assert isinstance(reply.messages[-1], Screen)


async def test_a_candidate_may_be_judged_from_an_older_card_of_the_same_step(anna: Traveller, store: Store) -> None:
    await anna.chooses_a_style()
    await anna.hunts()
    await anna.picks(1)
    await anna.fills_the_payload()
    old_keep = anna.finds("curate.keep")
    await anna.taps("curate.sheet")
    await anna.presses(old_keep)
    candidates = await store.candidates.of((await anna.quest()).id)
    assert candidates[0].verdict == "kept"


async def test_a_keyboard_of_one_quest_never_acts_on_another(anna: Traveller, store: Store) -> None:
    await anna.chooses_a_style()
    await anna.hunts()
    pick = anna.finds("hunt.pick", "1")
    await anna.taps("nav.home")
    await anna.taps("quest.new")
    await anna.taps("style.kind", "style")
    await anna.taps("style.preset")
    await anna.taps("style.ok")
    await anna.taps("trigger.ok")
    await anna.hunts()
    await anna.presses(pick)
    assert (await anna.quest()).stage is Stage.ALBUM


async def test_nobody_touches_what_belongs_to_another(anna: Traveller, boris: Traveller, store: Store) -> None:
    await anna.chooses_a_style()
    await anna.taps("hunt.start")
    job = await store.queue.latest((await anna.quest()).id, JobKind.HUNT)
    assert job is not None
    await boris.says("/start")
    stolen = anna.finds("job.cancel", str(job.id))
    reply = await boris.presses(stolen)
    assert reply.alert
    found = await store.queue.find(job.id)
    assert found is not None
    assert found.wish is Wish.NONE
    theirs = type(stolen)(label="?", data=Tap(Verb.QUEST_OPEN, (str((await anna.quest()).id),)).data())
    await boris.presses(theirs)
    assert await store.quests.current(boris.id) is None
    await boris.waits()
    assert not boris.albums()


async def test_two_people_hunt_at_once_and_each_gets_the_own_album(anna: Traveller, boris: Traveller) -> None:
    await anna.chooses_a_style("watercolor")
    await boris.chooses_a_style("flat-vector")
    await anna.taps("hunt.start")
    await boris.taps("hunt.start")
    await anna.painter.works()
    await anna.hears()
    await boris.hears()
    files = {picture.file for picture in anna.albums()[-1].pictures}
    assert files.isdisjoint(picture.file for picture in boris.albums()[-1].pictures)


async def test_a_stopped_payload_keeps_what_is_done(anna: Traveller, store: Store) -> None:
    await anna.chooses_a_style()
    await anna.hunts()
    await anna.picks(1)
    await anna.taps("payload.start")
    await anna.painter.obeys()
    await anna.hears()
    assert len(await store.candidates.of((await anna.quest()).id)) == 24
    assert (await anna.quest()).step is Step.CURATION


async def test_stop_reaches_a_running_payload_as_a_wish(anna: Traveller, store: Store) -> None:
    await anna.chooses_a_style()
    await anna.hunts()
    await anna.picks(1)
    await anna.taps("payload.start")
    job = await anna.painter.claims()
    assert job is not None
    await anna.taps("payload.stop")
    found = await store.queue.find(job.id)
    assert found is not None
    assert found.wish is Wish.STOP
    await anna.hears()
    assert "what is done is kept" in anna.newest()


async def test_a_payload_stopped_before_it_began_asks_the_way_again(anna: Traveller) -> None:
    await anna.chooses_a_style()
    await anna.hunts()
    await anna.picks(1)
    await anna.taps("payload.start")
    await anna.taps("payload.stop")
    await anna.hears()
    assert (await anna.quest()).stage is Stage.WAY
    assert anna.offers("payload.start")


async def test_going_back_from_a_hunt_cancels_it(anna: Traveller, store: Store) -> None:
    await anna.chooses_a_style()
    await anna.taps("hunt.start")
    await anna.taps("nav.back")
    job = await store.queue.latest((await anna.quest()).id, JobKind.HUNT)
    assert job is not None
    assert job.state is JobState.CANCELED
    await anna.hears()
    assert (await anna.quest()).stage is Stage.SUBJECT
    await anna.hunts()
    assert anna.albums()


async def test_an_engine_that_failed_is_told_in_words_with_what_is_kept(anna: Traveller, painter: Painter) -> None:
    await anna.chooses_a_style()
    await anna.taps("hunt.start")
    await painter.fails(OutOfMemory())
    await anna.hears()
    told = " ".join(screen.text for screen in anna.screens())
    assert "not enough memory" in told
    assert "are as they were" in told
    assert anna.offers("hunt.start")


async def test_pictures_that_the_model_gave_no_numbers_for_are_counted_with_what_may_help(
    anna: Traveller, painter: Painter
) -> None:
    await anna.chooses_a_style()
    await anna.taps("hunt.start")
    job = await painter.claims()
    assert job is not None
    await painter.does(job, lost=frozenset({1, 2}))
    await anna.hears()
    told = " ".join(screen.text for screen in anna.screens())
    assert "2 pictures are missing" in told
    assert "Other words or a lower strength" in told
    assert len(anna.albums()[-1].pictures) == 2


async def test_a_lost_picture_leaves_its_own_place_of_the_comparison_empty(anna: Traveller, painter: Painter) -> None:
    await anna.chooses_a_style()
    await anna.hunts()
    await anna.taps("hunt.compare")
    job = await painter.claims()
    assert job is not None
    await painter.does(job, lost=frozenset({4}))
    await anna.hears()
    sheet = next(s.picture for s in reversed(anna.screens()) if isinstance(s.picture, Sheet))
    assert [index for index, cell in enumerate(sheet.cells) if cell.file is None] == [4]
    assert len(sheet.cells) == sheet.columns * len(sheet.row_labels)


async def test_an_engine_that_died_in_a_training_goes_on_from_its_state(
    anna: Traveller, painter: Painter, store: Store, clock: Clock
) -> None:
    await anna.chooses_a_style()
    await anna.hunts()
    await anna.picks(1)
    await anna.fills_the_payload()
    await anna.curates(keep=16)
    await anna.taps("captions.ok")
    await anna.taps("train.start")
    job = await painter.claims()
    assert job is not None
    await painter.saves(job, step=130, epoch=7)
    clock.advances(minutes=2)
    await store.leases.reap()
    await anna.hears()
    assert "goes on from step 130" in anna.newest()
    clock.advances(minutes=2)
    await anna.waits()
    assert anna.offers("seal.pick")


async def test_three_deaths_put_a_job_aside_and_say_so(anna: Traveller, painter: Painter, store: Store) -> None:
    await anna.chooses_a_style()
    await anna.taps("hunt.start")
    for engine in ("one", "two", "three"):
        painter.engine = engine
        await painter.claims()
        await store.leases.release_of_dead_engines("the next")
    await anna.hears()
    assert any("put aside" in screen.text for screen in anna.screens())
    assert anna.offers("hunt.start")


async def test_without_an_engine_the_place_is_kept_and_said(anna: Traveller, clock: Clock) -> None:
    await anna.chooses_a_style()
    clock.advances(minutes=1)
    reply = await anna.taps("hunt.start")
    assert "The engine is not there" in reply.messages[-1].text  # type: ignore[union-attr]


async def test_place_and_seconds_are_two_numbers(anna: Traveller, boris: Traveller) -> None:
    await boris.chooses_a_style()
    await boris.taps("hunt.start")
    await anna.chooses_a_style()
    reply = await anna.taps("hunt.start")
    assert "1 before you, about 0:02" in reply.messages[-1].text  # type: ignore[union-attr]
    await anna.says("/queue")
    assert "hunt: 1 before you, about 0:02" in anna.newest()


async def test_cancel_ends_the_newest_job_and_says_when_there_is_none(anna: Traveller, store: Store) -> None:
    await anna.chooses_a_style()
    await anna.says("/cancel")
    assert anna.newest() == "Nothing is being done for you now."
    await anna.taps("hunt.start")
    await anna.says("/cancel")
    assert "Stopped: hunt" in anna.newest()
    assert not await store.queue.live()


async def test_news_of_another_quest_is_one_line_and_the_way_there(anna: Traveller, painter: Painter) -> None:
    await anna.chooses_a_style()
    hunted = await anna.quest()
    await anna.taps("hunt.start")
    await anna.taps("nav.home")
    await anna.taps("quest.new")
    await anna.waits()
    assert "News of <b>Neon sign</b>" in anna.newest()
    assert not anna.albums()
    await anna.taps("quest.open", str(hunted.id))
    assert anna.offers("hunt.pick", "4")


@pytest.mark.parametrize(("keep", "words"), [(9, "below ten"), (12, "may do"), (22, "more than")])
async def test_a_count_outside_the_target_says_why_and_may_be_overridden(
    anna: Traveller, keep: int, words: str
) -> None:
    await anna.chooses_a_style()
    await anna.hunts()
    await anna.picks(1)
    await anna.fills_the_payload()
    await anna.curates(keep=keep)
    assert words in anna.newest()
    assert (await anna.quest()).stage is Stage.COUNT
    await anna.taps("curate.done")
    assert (await anna.quest()).step is Step.CAPTIONS


async def test_more_candidates_go_on_where_the_last_ones_ended(anna: Traveller, store: Store) -> None:
    await anna.chooses_a_style()
    await anna.hunts()
    await anna.picks(1)
    await anna.fills_the_payload()
    await anna.curates(keep=9)
    await anna.taps("payload.more", "24")
    await anna.waits()
    candidates = await store.candidates.of((await anna.quest()).id)
    assert [c.number for c in candidates] == list(range(1, 73))
    seeds = [c.picture.seed for c in candidates]
    assert len(set(seeds)) == 72
    assert (await anna.quest()).stage is Stage.CARDS


async def test_nothing_kept_is_refused_with_a_sentence(anna: Traveller) -> None:
    await anna.chooses_a_style()
    await anna.hunts()
    await anna.picks(1)
    await anna.fills_the_payload()
    reply = await anna.taps("curate.done")
    assert reply.alert
    assert "Keep at least one" in reply.toast


async def test_a_style_of_ten_thousand_characters_gets_a_sentence_and_changes_nothing(anna: Traveller) -> None:
    await anna.says("/start")
    await anna.taps("quest.new")
    await anna.taps("style.kind", "style")
    await anna.taps("style.words")
    before = await anna.quest()
    reply = await anna.says("neon " * 2000)
    assert isinstance(reply.messages[0], Notice)
    assert "9999 characters" in reply.messages[0].text
    assert await anna.quest() == before


async def test_what_people_write_is_never_read_as_html(anna: Traveller) -> None:
    await anna.says("/start")
    await anna.taps("quest.new")
    await anna.taps("style.kind", "style")
    await anna.taps("style.words")
    await anna.says("<b>ink & <script>")
    assert "&lt;script&gt;" in anna.newest()
    await anna.taps("style.ok")
    await anna.says("<i>")
    await anna.taps("trigger.ok")
    await anna.says("a <u>fox</u> & co")
    assert "&lt;u&gt;" in anna.newest()


async def test_a_picture_sent_gets_a_sentence(anna: Traveller) -> None:
    from bot.steps import journey

    reply = await journey.on_file(await anna.walk())
    assert isinstance(reply.messages[0], Notice)


async def test_too_much_at_once_is_refused_and_moves_nothing(anna: Traveller, store: Store) -> None:
    await anna.chooses_a_style()
    await anna.hunts()
    await anna.taps("hunt.compare")
    compared = await store.queue.latest((await anna.quest()).id, JobKind.COMPARE)
    assert compared is not None
    for number in range(MOST_LIVE[Lane.INTERACTIVE] - 1):
        await store.queue.enqueue(read_request(compared.request), key=f"{number}", quest=compared.quest, user=anna.id)
    reply = await anna.taps("hunt.more")
    assert reply.alert
    assert "12 jobs" in reply.toast
    assert "/queue" in reply.toast
    assert (await anna.quest()).stage is Stage.ALBUM


async def test_forgetting_asks_again_and_then_leaves_nothing(anna: Traveller, store: Store) -> None:
    await anna.chooses_a_style()
    await anna.hunts()
    await anna.says("/forget")
    assert await store.quests.of(anna.id)
    await anna.taps("forget.yes")
    assert await store.people.find(anna.id) is None
    await anna.says("/start")
    assert not await store.quests.of(anna.id)


async def test_an_export_holds_everything_and_nothing_of_others(
    anna: Traveller, boris: Traveller, store: Store
) -> None:
    for person in (anna, boris):
        await person.chooses_a_style()
        await person.hunts()
    await anna.says("/export")
    assert await Packing(store).work()
    pending = await store.outbox.next_for(anna.id)
    assert pending is not None
    document = load(Message, pending.body)  # type: ignore[arg-type]  # a union is no class
    assert isinstance(document, Document)
    archive = zipfile.ZipFile(io.BytesIO(await store.files.read(document.file)))
    held = json.loads(archive.read("everything.json"))
    assert held["person"]["id"] == anna.id
    assert {entry["quest"]["owner"] for entry in held["quests"]} == {anna.id}
    assert len([name for name in archive.namelist() if name.endswith(".png")]) == 4


async def test_a_deleted_quest_asks_again_and_takes_its_jobs_along(anna: Traveller, store: Store) -> None:
    await anna.chooses_a_style()
    await anna.taps("hunt.start")
    await anna.says("/quests")
    await anna.taps("quest.delete")
    assert await store.quests.current(anna.id) is not None
    await anna.presses(next(b for b in anna.buttons() if ":yes:" in b.data))
    assert await store.quests.current(anna.id) is None
    assert not [job for job in await store.queue.live() if job.state in LIVE_STATES]


async def test_a_language_is_kept_and_everything_speaks_it(anna: Traveller, store: Store) -> None:
    await anna.says("/language")
    await anna.taps("language.set", "ru")
    anna.language = "ru"
    person = await store.people.find(anna.id)
    assert person is not None
    assert replace(person, language="ru") == person
    await anna.says("/help")
    assert "Путь квеста" in anna.newest()


@pytest.mark.parametrize("name", ["settings", "privacy", "help", "queue", "quests", "language", "cancel", "nonsense"])
async def test_every_command_answers_somebody_who_never_came_before(anna: Traveller, name: str) -> None:
    reply = await anna.says(f"/{name}")
    assert reply.messages
