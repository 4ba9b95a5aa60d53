"""Quests are begun, found again after any time, and deleted with all that hangs on them."""

from __future__ import annotations

from dataclasses import replace

from storage.recipe import Recipe
from storage.records import ContentHash, Drawing, Seal, Style
from storage.states import PaletteKind, PictureRole, Sampler, Stage, Step, SubjectsFrom, Way
from tests.asking import ANNA, BORIS, Desk
from tests.clock import Clock


async def test_a_new_quest_stands_at_the_first_step_and_is_the_current_one(desk: Desk) -> None:
    first = await desk.quest_of(ANNA)
    second = await desk.store.quests.begin(ANNA, ANNA, Style(name="ink"))
    assert (second.step, second.stage, second.rev, second.style.name) == (Step.STYLE, Stage.KIND, 0, "ink")
    assert await desk.store.quests.current(ANNA) == second
    await desk.store.quests.make_current(ANNA, first.id)
    assert await desk.store.quests.current(ANNA) == first
    assert await desk.store.quests.current(BORIS) is None


async def test_everything_of_a_quest_comes_back_as_it_was_saved(desk: Desk, clock: Clock) -> None:
    quest = await desk.quest_of(ANNA)
    _, (picture, *_) = await desk.payload_of(ANNA, 1)
    clock.advances(days=7, microseconds=123_456)
    changed = replace(
        quest,
        name="두루마리",
        step=Step.PAYLOAD,
        stage=Stage.SUBJECTS,
        rev=4,
        style=Style(kind=PaletteKind.CHARACTER, drawing=Drawing(sampler=Sampler.UNIPC, guidance_scale=5.5)),
        subject="рыцарь",
        pick=picture.id,
        way=Way.ONE_SEED,
        subjects=("a", "b"),
        subjects_from=SubjectsFrom.BOTH,
        recipe=Recipe(rank=8, min_snr_gamma=None),
        seal_strength=1.2,
        cursor=3,
    )
    saved = await desk.store.quests.save(changed)
    assert await desk.store.quests.find(quest.id) == saved
    assert replace(saved, updated=changed.updated) == changed
    assert (clock() - saved.updated).total_seconds() < 0.001


async def test_quests_come_in_the_order_they_were_last_touched(desk: Desk, clock: Clock) -> None:
    first = await desk.quest_of(ANNA)
    second = await desk.store.quests.begin(ANNA, ANNA)
    clock.advances(minutes=1)
    await desk.store.quests.save(first)
    assert [quest.id for quest in await desk.store.quests.of(ANNA)] == [first.id, second.id]


async def test_a_deleted_quest_takes_its_jobs_pictures_and_files_along(desk: Desk) -> None:
    job, pictures = await desk.payload_of(ANNA, 2)
    assert job.quest is not None
    await desk.store.quests.delete(job.quest)
    assert await desk.store.quests.current(ANNA) is None
    assert await desk.store.queue.find(job.id) is None
    assert await desk.store.pictures.of_quest(job.quest, PictureRole.CANDIDATE) == ()
    assert not [picture for picture in pictures if desk.store.files.path(picture.file).exists()]


async def test_a_seal_is_made_once_however_often_it_is_picked(desk: Desk) -> None:
    job, _ = await desk.payload_of(ANNA, 1)
    adapter = await desk.store.files.put(b"adapter", ".safetensors")
    assert job.quest is not None

    async def pick(step: int, file: ContentHash = adapter) -> Seal:
        assert job.quest is not None
        return await desk.store.seals.make(job.quest, job.id, step, "ohwx", Recipe(), file)

    first, again, later = await pick(100), await pick(100), await pick(200)
    assert again == first
    assert await desk.store.seals.find(first.id) == first
    assert await desk.store.seals.of_quest(job.quest) == (later, first)
