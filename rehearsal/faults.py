"""Bad weather on order: errors, delays and dropped answers, and Telegram's flood limits as token buckets."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from rehearsal.refusals import Refusal, too_many_requests

PRIVATE_PER_SECOND = 1.0  # Telegram's FAQ: about one message a second in one chat …
PRIVATE_BURST = 6.0  # … bursts are tolerated; the size is ours
GROUP_PER_SECOND = 20 / 60  # Telegram's FAQ: 20 messages a minute in a group
GROUP_BURST = 20.0
PACED = {
    "sendmessage", "sendphoto", "senddocument", "sendmediagroup", "editmessagetext", "editmessagecaption",
    "editmessagemedia", "editmessagereplymarkup",
}  # fmt: skip
NAMES = {
    400: "Bad Request", 401: "Unauthorized", 403: "Forbidden", 404: "Not Found", 409: "Conflict",
    429: "Too Many Requests", 500: "Internal Server Error", 502: "Bad Gateway", 504: "Gateway Timeout",
}  # fmt: skip


@dataclass
class Fault:
    """What goes wrong with the next `times` calls of a method (`*`: any), in one chat or in all."""

    method: str
    chat: int | None = None
    code: int = 0  # 0: no error, only delay or drop
    description: str = ""
    retry_after: int | None = None
    delay: float = 0.0  # seconds
    page: str = ""  # a proxy's answer in HTML instead of Telegram's, with `code` (or 200)
    drop: Literal["", "before", "after"] = ""
    times: int = 1

    def fits(self, method: str, chat: int | None) -> bool:
        """Whether this call is meant."""
        return self.times > 0 and self.method.lower() in ("*", method) and self.chat in (None, chat)

    def refusal(self) -> Refusal | None:
        """The error to answer, if there is one."""
        if self.code == 429:
            return too_many_requests(self.retry_after or 1)
        if self.code:
            return Refusal(self.code, self.description or NAMES.get(self.code, "Error"))
        return None


@dataclass
class Bucket:
    """Tokens of one chat."""

    tokens: float
    at: float


class Weather:
    """Faults that were ordered, and buckets when they are on."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self.clock = clock
        self.faults: list[Fault] = []
        self.buckets_on = False
        self._buckets: dict[int, Bucket] = {}

    def next_fault(self, method: str, chat: int | None) -> Fault | None:
        """The fault that hits this call; one of its times is used up."""
        for fault in self.faults:
            if fault.fits(method, chat):
                fault.times -= 1
                self.faults = [one for one in self.faults if one.times > 0]
                return fault
        return None

    def spend(self, method: str, chat: int | None, weight: int) -> None:
        """Takes tokens for a call. Raises the 429 when the chat has too few."""
        if not self.buckets_on or chat is None or method not in PACED:
            return
        burst, rate = (GROUP_BURST, GROUP_PER_SECOND) if chat < 0 else (PRIVATE_BURST, PRIVATE_PER_SECOND)
        now = self.clock()
        bucket = self._buckets.setdefault(chat, Bucket(burst, now))
        bucket.tokens = min(burst, bucket.tokens + (now - bucket.at) * rate)
        bucket.at = now
        if bucket.tokens < weight and bucket.tokens < burst:
            raise too_many_requests(max(1, math.ceil((min(weight, burst) - bucket.tokens) / rate)))
        bucket.tokens -= weight
