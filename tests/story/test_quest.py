"""A whole quest, told by people who speak three languages."""

from __future__ import annotations

import pytest

from bot.screens import CopyButton, Screen, Sheet, TrainingView
from storage.requests import CardFacts, ExportRequest, TrainingRequest, TryRequest, read_request
from storage.states import JobKind, Step, Verdict
from storage.store import Store
from tests.cast import Painter, Traveller
from tests.clock import Clock


async def walks_to_the_end(person: Traveller) -> None:
    await person.chooses_a_style()
    await person.hunts()
    await person.picks(2)
    await person.fills_the_payload()
    await person.curates(keep=18)
    await person.trains()
    await person.seals()


@pytest.mark.parametrize("language", ["en", "ru", "ko"])
async def test_a_person_walks_from_start_to_the_seal_by_buttons_alone(
    store: Store, clock: Clock, painter: Painter, language: str
) -> None:
    anna = Traveller(store, clock, painter, language=language)
    await walks_to_the_end(anna)
    assert (await anna.quest()).step is Step.TRYING
    await anna.says("a castle")
    await anna.waits()
    await anna.taps("try.sweep")
    await anna.waits()
    for what in ("take.lora", "take.dataset", "take.card"):
        await anna.taps(what)
    await anna.waits()
    assert sorted(document.filename for document in anna.documents()) == [
        "neon-sign-card.bin",
        "neon-sign-dataset.bin",
        "neon-sign-embeddings.bin",
        "neon-sign-lora-diffusers.bin",
        "neon-sign-lora-kohya.bin",
    ]


async def test_a_card_is_asked_for_with_the_palette_and_with_what_was_measured(anna: Traveller, store: Store) -> None:
    await walks_to_the_end(anna)
    await anna.taps("take.open")
    await anna.taps("take.card")
    here = await anna.quest()
    request = read_request((await store.queue.of_quest(here.id, JobKind.EXPORT))[-1].request)
    assert isinstance(request, ExportRequest)
    assert isinstance(request.card, CardFacts)
    assert (request.card.modifiers, request.card.boosters) == (here.style.modifiers, here.style.boosters)
    assert request.card.pictures == len(request.pictures)
    assert request.card.captions == tuple(picture.caption for picture in request.pictures[:3])
    assert request.card.checkpoint is not None
    assert request.card.checkpoint.step == request.step
    assert request.card.checkpoint.style_gained is not None


async def test_the_style_stays_the_same_to_the_comma_from_hunt_to_payload(anna: Traveller, store: Store) -> None:
    await anna.chooses_a_style()
    await anna.hunts("a knight")
    await anna.picks(1)
    await anna.fills_the_payload()
    jobs = await store.queue.of_quest((await anna.quest()).id)
    prompts = {row.prompt for job in jobs for row in read_request(job.request).rows}  # type: ignore[union-attr]
    tails = {prompt.split(", ", 1)[1] for prompt in prompts}
    assert tails == {"neon sign, navy blue background"}
    assert "a knight, neon sign, navy blue background" in prompts


async def test_the_picked_seed_begins_the_payload_and_each_candidate_has_the_next(
    anna: Traveller, store: Store
) -> None:
    await anna.chooses_a_style()
    await anna.hunts()
    await anna.picks(3)
    await anna.fills_the_payload()
    quest = await anna.quest()
    assert quest.pick is not None
    pick = await store.pictures.find(quest.pick)
    candidates = await store.candidates.of(quest.id)
    assert pick is not None
    assert [c.picture.seed for c in candidates] == [(pick.seed + index) % 2**32 for index in range(48)]


async def test_one_seed_for_all_repeats_the_composition(anna: Traveller, store: Store) -> None:
    await anna.chooses_a_style()
    await anna.hunts()
    await anna.picks(1)
    await anna.taps("payload.way", "b")
    await anna.taps("payload.start")
    await anna.waits()
    candidates = await store.candidates.of((await anna.quest()).id)
    assert len({c.picture.seed for c in candidates}) == 1


async def test_numbers_run_on_over_albums_and_the_pick_brings_its_own_strength(anna: Traveller, store: Store) -> None:
    await anna.chooses_a_style()
    await anna.hunts()
    await anna.taps("hunt.stronger")
    await anna.waits()
    assert [button.label for button in anna.buttons()[:4]] == ["5", "6", "7", "8"]
    assert (await anna.quest()).style.emphasis == 1
    stronger = anna.finds("hunt.pick", "5")
    weaker = stronger.data.replace("hunt.pick:5", "hunt.pick:2")
    await anna.presses(type(stronger)(label="2", data=weaker))
    assert (await anna.quest()).style.emphasis == 0


async def test_the_chosen_probe_stands_alone_with_a_line_to_copy(anna: Traveller) -> None:
    await anna.chooses_a_style()
    await anna.hunts()
    await anna.picks(1)
    alone = next(screen for screen in anna.screens() if screen.slot == "pick")
    button = alone.rows[0][0]
    assert isinstance(button, CopyButton)
    assert "Seed: " in button.copies
    assert "Sampler: DDIM" in button.copies


async def test_compared_settings_come_as_a_sheet_with_the_ancestral_one_last_and_warned_of(anna: Traveller) -> None:
    await anna.chooses_a_style()
    await anna.hunts()
    await anna.taps("hunt.compare")
    await anna.waits()
    sheet = next(s for s in reversed(anna.screens()) if isinstance(s.picture, Sheet))
    assert isinstance(sheet.picture, Sheet)
    assert sheet.picture.row_labels[-1] == "Euler a"
    assert sheet.picture.column_labels == ("10", "20", "30")
    assert "drifts" in sheet.text


async def test_training_gets_the_kept_pictures_with_captions_that_leave_out_the_look(
    anna: Traveller, store: Store
) -> None:
    await walks_to_the_end(anna)
    quest = await anna.quest()
    job = await store.queue.latest(quest.id, JobKind.TRAINING)
    assert job is not None
    request = read_request(job.request)
    assert isinstance(request, TrainingRequest)
    kept = [c for c in await store.candidates.of(quest.id) if c.verdict is Verdict.KEPT]
    assert [picture.file for picture in request.pictures] == [c.picture.file for c in kept]
    assert request.pictures[0].caption == "a cat face, ohwx"
    assert not any("neon" in picture.caption for picture in request.pictures)


async def test_samples_are_of_subjects_the_palette_never_held_and_say_no_style_word(
    anna: Traveller, store: Store
) -> None:
    await walks_to_the_end(anna)
    job = await store.queue.latest((await anna.quest()).id, JobKind.TRAINING)
    assert job is not None
    request = read_request(job.request)
    assert isinstance(request, TrainingRequest)
    assert not {row.subject for row in request.samples} & {picture.subject for picture in request.pictures}
    assert all(row.prompt.endswith(", ohwx") and "neon" not in row.prompt for row in request.samples)


async def test_the_status_of_a_training_shows_losses_and_samples_in_one_message(anna: Traveller) -> None:
    await walks_to_the_end(anna)
    views = [screen for screen in anna.screens() if isinstance(screen.picture, TrainingView)]
    assert len({screen.slot for screen in views}) == 1
    last = views[-1].picture
    assert isinstance(last, TrainingView)
    assert last.losses
    assert last.strip is not None
    assert last.strip.columns == 4  # the start and three checkpoints


async def test_the_first_thing_a_new_seal_shows_is_without_and_with_on_one_seed(anna: Traveller, store: Store) -> None:
    await walks_to_the_end(anna)
    job = await store.queue.latest((await anna.quest()).id, JobKind.TRYING)
    assert job is not None
    request = read_request(job.request)
    assert isinstance(request, TryRequest)
    assert request.layout == "pair"
    for without, with_it in zip(request.rows[::2], request.rows[1::2], strict=True):
        assert (without.seed, without.prompt) == (with_it.seed, with_it.prompt)
        assert (without.seals, with_it.seals[0].weight) == ((), 0.8)
    assert len({row.seed for row in request.rows}) == len(request.rows) // 2, "each pair has a seed of its own"


async def test_the_trigger_is_put_into_a_prompt_only_where_it_is_missing(anna: Traveller, store: Store) -> None:
    await walks_to_the_end(anna)
    quest = await anna.quest()
    for text, prompt in (("castle", "a castle, ohwx"), ("an OHWX dragon", "OHWX dragon")):
        await anna.says(text)
        await anna.waits()
        job = await store.queue.latest(quest.id, JobKind.TRYING)
        assert job is not None
        request = read_request(job.request)
        assert isinstance(request, TryRequest)
        assert request.rows[0].prompt == prompt


async def test_another_checkpoint_may_be_taken_after_the_first(anna: Traveller, store: Store) -> None:
    await walks_to_the_end(anna)
    first = (await anna.quest()).seal
    await anna.taps("seal.choice")
    screen = anna.screens()[-1]
    others = [button for row in screen.rows for button in row if getattr(button, "data", "").startswith("seal.pick")]
    await anna.presses(others[-1])  # type: ignore[arg-type]
    await anna.waits()
    assert (await anna.quest()).seal != first
    assert len(await store.seals.of_quest((await anna.quest()).id)) == 2


async def test_home_offers_a_new_quest_and_keeps_the_old_one(anna: Traveller) -> None:
    await walks_to_the_end(anna)
    old = await anna.quest()
    await anna.taps("nav.home")
    assert isinstance(anna.seen[-1], Screen)
    await anna.taps("quest.new")
    assert (await anna.quest()).id != old.id
    await anna.taps("nav.home")
    await anna.says("/quests")
    await anna.taps("quest.open", str(old.id))
    assert (await anna.quest()).id == old.id
    assert anna.offers("try.sweep")


@pytest.mark.parametrize(("preset", "programs"), [("fast", "A1111 / ComfyUI"), ("own", "ComfyUI / Forge")])
async def test_the_file_to_take_home_names_only_programs_that_draw_its_seal(
    anna: Traveller, preset: str, programs: str
) -> None:
    await anna.chooses_a_style()
    await anna.hunts()
    await anna.picks(1)
    await anna.fills_the_payload()
    await anna.curates(keep=16)
    await anna.taps("captions.ok")
    await anna.taps("train.preset", "fast")
    if preset == "own":
        await anna.taps("train.numbers")
        await anna.taps("train.page", "3")
        await anna.taps("train.set", "dora")
        await anna.taps("train.page", "0")
    await anna.taps("train.start")
    await anna.waits()
    await anna.seals()
    await anna.taps("take.open")
    assert anna.finds("take.lora", "kohya").label == programs
    assert f"<b>{programs}</b>" in anna.newest()
