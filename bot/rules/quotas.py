"""How much one person may have at a time. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from storage.requests import Request
from storage.states import LANE_OF, Lane

MOST_LIVE: Mapping[Lane, int] = {Lane.INTERACTIVE: 12, Lane.PAYLOAD: 2, Lane.TRAINING: 1}
"""Jobs of a lane that wait or run for one person: nobody can fill the queue alone."""


def most_live(request: Request) -> int:
    """How many live jobs of this request's lane one person may have."""
    return MOST_LIVE[LANE_OF[request.KIND]]
