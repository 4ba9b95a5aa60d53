"""Who steps next on the GPU, and which lanes may be claimed from. Pure: no clock, no I/O."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol, TypeVar

from storage.states import LANE_ORDER, Lane


class Waiting(Protocol):
    """Something claimed that wants a turn."""

    @property
    def lane(self) -> Lane: ...


Claimed = TypeVar("Claimed", bound=Waiting)


def choose(active: Sequence[Claimed]) -> Claimed | None:
    """The one that steps next: an earlier lane always before a later one, inside a lane the one claimed first."""
    return min(active, key=lambda claimed: LANE_ORDER.index(claimed.lane), default=None)


def open_lanes(active: Iterable[Waiting]) -> tuple[Lane, ...]:
    """The lanes worth claiming from: those before every lane that is busy.

    One job a lane is held at a time, so that inside a lane the queue's own turns decide. A later lane is not claimed
    from while an earlier one is busy: its job would only sit under a lease.
    """
    busy = {claimed.lane for claimed in active}
    free: list[Lane] = []
    for lane in LANE_ORDER:
        if lane in busy:
            break
        free.append(lane)
    return tuple(free)
