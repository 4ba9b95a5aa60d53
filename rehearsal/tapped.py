"""Presses on buttons from the press to the bot's answer, with Telegram's 150 seconds between."""

from __future__ import annotations

import secrets
from collections.abc import Callable

from rehearsal.polling import TAP_LIFE_SECONDS
from rehearsal.records import TapRecord
from rehearsal.refusals import bad_request


class Taps:
    """All presses of one rehearsal."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self.clock = clock
        self.known: dict[str, TapRecord] = {}

    def press(self, person: int, chat_id: int, message_id: int, data: str) -> TapRecord:
        """A new press, not yet answered."""
        number = str(secrets.randbits(62) | 1 << 61)
        tap = self.known[number] = TapRecord(number, person, chat_id, message_id, data, self.clock())
        return tap

    def answer(self, tap_id: str, text: str, alert: bool) -> TapRecord:
        """Notes the bot's answer. Raises Refusal for an unknown, late or second one."""
        tap = self.known.get(tap_id)
        if tap is None or tap.answered_at is not None or self.clock() - tap.at > TAP_LIFE_SECONDS:
            raise bad_request("query is too old and response timeout expired or query ID is invalid")
        tap.answered_at, tap.text, tap.alert = self.clock(), text, alert
        return tap
