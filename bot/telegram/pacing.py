"""How soon a message may go: within the chat's budget, and progress less often than anything else."""

from __future__ import annotations

import time

from bot.screens import Album, Message
from bot.telegram.budget import Budget
from storage.outbox import Pending
from storage.states import Urgency

PROGRESS_SECONDS = 2.5  # text of a status message; edits share the budget with sends
PROGRESS_PICTURE_SECONDS = 8.0
NEVER = float("-inf")


class Pacing:
    """The paces of all chats."""

    def __init__(self) -> None:
        self._budget = Budget()
        self._shown: dict[tuple[int, str | None], float] = {}  # when a slot's screen was last shown
        self._pictured: dict[tuple[int, str | None], float] = {}

    def pause(self, pending: Pending, message: Message) -> float:
        """Seconds until it may go."""
        now = time.monotonic()
        bucket = self._budget.of(pending.chat_id, now)
        if pending.urgency is not Urgency.PROGRESS:
            return bucket.wait(weight(message), now)
        # from a full bucket only, so that a result never waits for its own progress
        pause = bucket.wait(bucket.burst, now)
        shown = self._shown.get((pending.chat_id, pending.slot), NEVER)
        return max(pause, shown + PROGRESS_SECONDS - now)

    def spend(self, chat_id: int, calls: float) -> None:
        """Takes so many calls of the chat's budget."""
        self._budget.of(chat_id, time.monotonic()).spend(calls)

    def keeps_picture(self, pending: Pending) -> bool:
        """Whether this progress comes too soon after the last picture to bring another one."""
        pictured = self._pictured.get((pending.chat_id, pending.slot), NEVER)
        return pending.urgency is Urgency.PROGRESS and time.monotonic() - pictured < PROGRESS_PICTURE_SECONDS

    def shown(self, pending: Pending, *, with_picture: bool) -> None:
        """The slot's screen is there now."""
        if pending.slot is None:
            return
        self._shown[pending.chat_id, pending.slot] = time.monotonic()
        if with_picture:
            self._pictured[pending.chat_id, pending.slot] = time.monotonic()


def weight(message: Message) -> float:
    """What a message costs of a chat's budget: an album counts each of its pictures."""
    return float(len(message.pictures)) if isinstance(message, Album) and not message.apart else 1.0
