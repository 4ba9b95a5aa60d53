"""The Bot API methods that the rehearsal serves; every other one is answered 404, never with a silent ok."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from rehearsal.methods import about, chats, editing, sending, updates
from rehearsal.request import Upload
from rehearsal.world import World

Method = Callable[[World, dict[str, Any], dict[str, Upload]], Awaitable[Any]]

METHODS: dict[str, Method] = {
    **about.METHODS,
    **updates.METHODS,
    **sending.METHODS,
    **editing.METHODS,
    **chats.METHODS,
}
BY_LOWER_NAME = {name.lower(): name for name in METHODS}  # the real server takes any case
