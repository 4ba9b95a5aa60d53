"""Every lane has its turn, and every step a first stage."""

from __future__ import annotations

from storage.states import FIRST_STAGE, LANE_OF, LANE_ORDER, Lane, Step


def test_every_lane_has_its_turn_and_every_step_a_first_stage() -> None:
    assert set(LANE_ORDER) == set(Lane) == set(LANE_OF.values())
    assert set(FIRST_STAGE) == set(Step)
