"""Candidates are numbered once, judged by taps that may come twice, and undone one by one."""

from __future__ import annotations

from storage.states import Verdict
from tests.asking import ANNA, Desk, payload


async def test_numbers_run_on_over_payloads_and_gathering_again_adds_nothing(desk: Desk) -> None:
    job, first = await desk.payload_of(ANNA, 3)
    assert job.quest is not None
    await desk.asks(ANNA, payload(2))
    more = await desk.claims()
    second = [await desk.draws(more, position) for position in range(2)]
    assert await desk.store.candidates.gather(job.quest) == 2
    assert await desk.store.candidates.gather(job.quest) == 0
    found = await desk.store.candidates.of(job.quest)
    assert [candidate.number for candidate in found] == [1, 2, 3, 4, 5]
    assert [candidate.picture for candidate in found] == [*first, *second]


async def test_the_same_verdict_again_keeps_its_place_in_the_order(desk: Desk) -> None:
    job, (one, two, _) = await desk.payload_of(ANNA, 3)
    assert job.quest is not None
    assert await desk.store.candidates.judge(job.quest, one.id, Verdict.KEPT)
    assert await desk.store.candidates.judge(job.quest, two.id, Verdict.REJECTED)
    assert not await desk.store.candidates.judge(job.quest, one.id, Verdict.KEPT)
    undone = await desk.store.candidates.undo(job.quest)
    assert undone is not None
    assert (undone.picture.id, undone.verdict) == (two.id, Verdict.UNSEEN)


async def test_undo_walks_back_to_the_start_and_then_says_so(desk: Desk) -> None:
    job, pictures = await desk.payload_of(ANNA, 3)
    assert job.quest is not None
    for picture in pictures:
        await desk.store.candidates.judge(job.quest, picture.id, Verdict.KEPT)
    undone = [await desk.store.candidates.undo(job.quest) for _ in range(3)]
    assert [candidate.picture.id for candidate in undone if candidate] == [p.id for p in reversed(pictures)]
    assert await desk.store.candidates.undo(job.quest) is None
    assert {candidate.verdict for candidate in await desk.store.candidates.of(job.quest)} == {Verdict.UNSEEN}


async def test_a_picture_of_another_quest_cannot_be_judged_or_captioned(desk: Desk) -> None:
    job, (picture,) = await desk.payload_of(ANNA, 1)
    assert job.quest is not None
    other = await desk.store.quests.begin(ANNA, ANNA)
    assert not await desk.store.candidates.judge(other.id, picture.id, Verdict.KEPT)
    await desk.store.candidates.caption(other.id, picture.id, "not mine", edited=True)
    (candidate,) = await desk.store.candidates.of(job.quest)
    assert (candidate.verdict, candidate.caption) == (Verdict.UNSEEN, "")


async def test_a_caption_says_whether_a_person_wrote_it(desk: Desk) -> None:
    job, (picture,) = await desk.payload_of(ANNA, 1)
    assert job.quest is not None
    await desk.store.candidates.caption(job.quest, picture.id, "a knight, ohwx", True)
    (candidate,) = await desk.store.candidates.of(job.quest)
    assert (candidate.caption, candidate.caption_edited) == ("a knight, ohwx", True)
