"""Who goes first on the GPU."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from engine.node.lanes import choose, open_lanes
from storage.states import Lane


@dataclass(frozen=True)
class Work:
    name: str
    lane: Lane


HUNT = Work("hunt", Lane.INTERACTIVE)
PAYLOAD = Work("payload", Lane.PAYLOAD)
TRAINING = Work("training", Lane.TRAINING)


def test_an_album_goes_before_a_payload_and_that_before_a_training() -> None:
    assert choose([TRAINING, PAYLOAD, HUNT]) is HUNT
    assert choose([TRAINING, PAYLOAD]) is PAYLOAD
    assert choose([TRAINING]) is TRAINING


def test_inside_a_lane_the_first_claimed_goes_on() -> None:
    later = Work("another hunt", Lane.INTERACTIVE)
    assert choose([HUNT, later]) is HUNT


def test_nobody_steps_when_nothing_is_claimed() -> None:
    assert choose([]) is None


@pytest.mark.parametrize(
    ("busy", "lanes"),
    [
        ([], (Lane.INTERACTIVE, Lane.PAYLOAD, Lane.TRAINING)),
        ([TRAINING], (Lane.INTERACTIVE, Lane.PAYLOAD)),
        ([PAYLOAD], (Lane.INTERACTIVE,)),
        ([PAYLOAD, TRAINING], (Lane.INTERACTIVE,)),
        ([HUNT], ()),
        ([HUNT, TRAINING], ()),
    ],
)
def test_only_what_would_go_first_is_claimed_beside_what_runs(busy: list[Work], lanes: tuple[Lane, ...]) -> None:
    assert open_lanes(busy) == lanes
