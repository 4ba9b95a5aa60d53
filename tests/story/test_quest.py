"""A whole quest, told by Anna."""

from __future__ import annotations

from storage.states import Step
from tests.cast import Traveller


async def test_anna_walks_from_start_to_her_seal_by_buttons_alone(anna: Traveller) -> None:
    await anna.chooses_a_style()
    await anna.hunts()
    assert len(anna.albums()[-1].pictures) == 4
    await anna.picks(2)
    await anna.fills_the_payload()
    await anna.curates(keep=18)
    await anna.trains()
    await anna.seals()
    assert (await anna.quest()).step is Step.TRYING
    await anna.says("a castle")
    await anna.waits()
    await anna.taps("try.sweep")
    await anna.waits()
    await anna.taps("take.lora")
    await anna.taps("take.dataset")
    await anna.taps("take.card")
    await anna.waits()
    assert len(anna.documents()) == 4
