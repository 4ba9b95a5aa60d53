"""The table of moves a job may make is closed and ends."""

from __future__ import annotations

from storage.states import FIRST_STAGE, JOB_MOVES, LANE_OF, LANE_ORDER, LIVE_STATES, JobState, Lane, Step


def test_every_state_has_its_moves_and_only_states_that_are_over_have_none() -> None:
    assert set(JOB_MOVES) == set(JobState)
    over = {state for state, moves in JOB_MOVES.items() if not moves}
    assert over == {JobState.DONE, JobState.FAILED, JobState.CANCELED}
    assert not over & LIVE_STATES


def test_every_live_job_can_come_to_an_end() -> None:
    for state in LIVE_STATES:
        reached, todo = set(), [state]
        while todo:
            here = todo.pop()
            reached.add(here)
            todo += JOB_MOVES[here] - reached
        assert {JobState.DONE, JobState.CANCELED} <= reached


def test_every_lane_has_its_turn_and_every_step_a_first_stage() -> None:
    assert set(LANE_ORDER) == set(Lane) == set(LANE_OF.values())
    assert set(FIRST_STAGE) == set(Step)
