"""Anna at the recipe: presets and their reasons, every number by page, and what is refused before it is chosen."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import pytest

from bot.rules.recipe import preset_recipe
from bot.screens import Button, Screen, TrainingView
from storage.errors import RecipeRefused
from storage.families import Family
from storage.limits import MOST
from storage.presets import ATTENTION, PRESETS, WIDE
from storage.recipe import Preset
from storage.records import Progress
from storage.requests import TrainingRequest, read_request
from storage.room import Room
from storage.states import JobKind, Phase, Stage, Wish
from storage.store import Store
from tests.cast import Painter, Traveller, facts
from tests.clock import Clock


class Usage(NamedTuple):
    """What the system says of a disk, in bytes."""

    total: int
    free: int


async def at_the_recipe(anna: Traveller) -> None:
    await anna.chooses_a_style()
    await anna.hunts()
    await anna.picks(1)
    await anna.fills_the_payload()
    await anna.curates(keep=16)
    await anna.taps("captions.ok")


def numbers_on(screen: Screen) -> list[Button]:
    return [button for row in screen.rows[:-1] for button in row if isinstance(button, Button)]


async def test_a_preset_says_time_memory_and_file_and_why_its_numbers_are_so(anna: Traveller) -> None:
    await at_the_recipe(anna)
    assert "about" in anna.newest()
    assert "GB of memory" in anna.newest()
    assert "MB" in anna.newest()
    await anna.taps("train.why")
    assert (await anna.quest()).stage is Stage.REASONS
    assert "measured here" in anna.newest()
    assert "for a style" in anna.newest()
    await anna.taps("nav.back")
    assert (await anna.quest()).stage is Stage.RECIPE


async def test_every_page_of_numbers_fits_a_phone_and_leads_back(anna: Traveller) -> None:
    await at_the_recipe(anna)
    await anna.taps("train.numbers")
    pages = [button for button in numbers_on(anna.screens()[-1]) if button.data.startswith("train.page")]
    assert len(pages) == 7
    for number in range(1, 8):
        await anna.taps("train.page", str(number))
        buttons = numbers_on(anna.screens()[-1])
        assert 4 <= len(buttons) <= 8
        assert all(len(button.label) <= 32 for button in buttons)
        await anna.taps("train.page", "0")
    await anna.taps("nav.back")
    assert (await anna.quest()).stage is Stage.RECIPE


async def test_a_changed_number_is_named_and_can_be_taken_back(anna: Traveller) -> None:
    await at_the_recipe(anna)
    await anna.taps("train.preset", "thorough")
    before = (await anna.quest()).recipe
    await anna.taps("train.numbers")
    await anna.taps("train.page", "3")
    await anna.taps("train.set", "targets")
    assert (await anna.quest()).recipe.preset == "own"
    assert (await anna.quest()).recipe.targets == ATTENTION
    await anna.taps("train.page", "0")
    assert "Changed from “Thorough”: parts attention" in anna.newest()
    await anna.taps("train.preset", "thorough")
    assert (await anna.quest()).recipe == before


async def test_what_cannot_work_here_is_passed_over_and_the_person_is_told_why(anna: Traveller) -> None:
    await at_the_recipe(anna)
    await anna.taps("train.numbers")
    await anna.taps("train.page", "4")
    reply = await anna.taps("train.set", "optimizer")
    assert (await anna.quest()).recipe.optimizer == "prodigy", "8-bit needs a GPU"
    assert reply.alert
    assert "no such GPU" in reply.toast
    reply = await anna.taps("train.set", "loraplus")
    assert (await anna.quest()).recipe.loraplus_ratio == 1.0
    assert "one rate for all" in reply.toast


async def test_a_file_too_large_for_the_chat_names_the_ways_out(
    anna: Traveller, store: Store, painter: Painter
) -> None:
    await at_the_recipe(anna)
    large = facts()
    await store.machine.announce(replace(large, model=replace(large.model, family=Family.SDXL), memory_bytes=8 * 10**9))
    recipe = replace(preset_recipe(Preset.FAST, Family.SDXL, 16, 1), targets=WIDE, preset=Preset.OWN)
    await store.quests.save(replace(await anna.quest(), recipe=recipe))
    await anna.taps("train.why")
    await anna.taps("nav.back")
    assert "rank 8 (42.6 MB) · attention only (46.4 MB)" in anna.newest()
    assert "This machine has 8 GB" in anna.newest()
    assert "no GPU here" in anna.newest()


async def test_samples_can_be_asked_for_while_it_runs(anna: Traveller, store: Store, painter: Painter) -> None:
    await at_the_recipe(anna)
    await anna.taps("train.preset", "fast")
    await anna.taps("train.start")
    job = await painter.claims()
    assert job is not None
    await anna.hears()
    assert "Nothing is learned yet" in (await anna.taps("train.sample")).toast
    await store.leases.beat(job.id, job.lease_token, 60.0, Progress(done=20, total=120, phase=Phase.TRAINING))
    assert "next pause" in (await anna.taps("train.sample")).toast
    found = await store.queue.find(job.id)
    assert found is not None
    assert found.wish is Wish.SAMPLE
    await anna.hears()
    assert "samples of this step" in anna.newest()
    assert "asked for already" in (await anna.taps("train.sample")).toast
    await anna.taps("train.stop")
    found = await store.queue.find(job.id)
    assert found is not None
    assert found.wish is Wish.STOP


async def test_the_last_plot_marks_what_is_advised_and_the_sheet_says_why(anna: Traveller) -> None:
    await at_the_recipe(anna)
    await anna.taps("train.preset", "fast")
    await anna.taps("train.start")
    await anna.waits()
    views = [screen.picture for screen in anna.screens() if isinstance(screen.picture, TrainingView)]
    assert views[-1].advised > 0
    assert views[-1].legend_advised == "advised"
    assert "I'd take" in anna.newest()
    assert "Style and words together" in anna.newest()


async def test_a_recipe_that_the_engine_refuses_is_told_with_the_reason(anna: Traveller, painter: Painter) -> None:
    await at_the_recipe(anna)
    await anna.taps("train.start")
    await painter.fails(RecipeRefused(reason="eight_bit"))
    await anna.hears()
    texts = [screen.text for screen in anna.screens()]
    assert any("no such GPU" in text for text in texts)


@pytest.mark.parametrize("name", PRESETS)
async def test_what_was_chosen_is_what_is_asked_of_the_engine(
    name: str, anna: Traveller, store: Store, clock: Clock
) -> None:
    await at_the_recipe(anna)
    await anna.taps("train.preset", name)
    await anna.taps("train.start")
    quest = await anna.quest()
    job = await store.queue.latest(quest.id, JobKind.TRAINING)
    assert job is not None
    request = read_request(job.request)
    assert isinstance(request, TrainingRequest)
    assert request.recipe == quest.recipe
    assert (request.recipe.preset, request.recipe.kind) == (name, "style")


async def test_a_training_that_the_disk_cannot_hold_is_refused_before_it_begins(anna: Traveller, store: Store) -> None:
    await at_the_recipe(anna)
    assert "On the disk it takes up to" in anna.newest()
    full = Usage(total=10**12, free=3 * 10**8)  # above the floor, too little for a training
    store.room = Room(store.folder, usage=lambda _folder: full)
    toast = (await anna.taps("train.start")).toast
    assert "more than is left" in toast
    assert (await anna.quest()).stage is Stage.RECIPE
    assert await store.queue.of_quest((await anna.quest()).id, JobKind.TRAINING) == ()
    store.room = Room(store.folder, usage=lambda _folder: full._replace(free=10**11))
    await anna.taps("train.start")
    assert (await anna.quest()).stage is Stage.SEALING


async def test_more_steps_than_a_training_may_take_are_refused_with_the_way_out(anna: Traveller, store: Store) -> None:
    await at_the_recipe(anna)
    quest = await anna.quest()
    long = replace(quest.recipe, preset=Preset.OWN, epochs=3_000, steps=MOST["steps"] + 1)
    await store.quests.save(replace(quest, recipe=long))
    assert f"{MOST['steps']} steps at most" in (await anna.taps("train.start")).toast
    assert await store.queue.of_quest(quest.id, JobKind.TRAINING) == ()


async def test_a_training_whose_engine_was_asked_to_end_is_paused_and_says_where(
    anna: Traveller, store: Store, painter: Painter
) -> None:
    await at_the_recipe(anna)
    await anna.taps("train.start")
    job = await painter.claims()
    assert job is not None
    await painter.saves(job, 7, epoch=1)
    await store.leases.release(job.id, job.lease_token)
    await anna.hears()
    assert "Paused at step 7" in anna.newest()
    assert "The engine stopped" not in anna.newest()


async def test_a_damaged_state_is_said_while_the_training_goes_on_from_the_one_before(
    anna: Traveller, store: Store, painter: Painter
) -> None:
    await at_the_recipe(anna)
    await anna.taps("train.start")
    job = await painter.claims()
    assert job is not None
    progress = Progress(done=60, total=200, phase=Phase.TRAINING, went_back_to=50)
    await store.leases.beat(job.id, job.lease_token, 60.0, progress)
    await anna.hears()
    assert "damaged on the disk. It went on from the one before, at step 50" in anna.newest()
