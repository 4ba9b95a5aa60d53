"""How often a chat may be written to: a token bucket per chat, in Telegram's measures. The moment is handed in."""

from __future__ import annotations

from dataclasses import dataclass, field

PRIVATE_A_SECOND, PRIVATE_BURST = 1.0, 6.0  # "about 1 message/s; bursts tolerated" (Telegram's FAQ)
GROUP_A_SECOND, GROUP_BURST = 20 / 60, 5.0  # 20 a minute in a group


@dataclass
class Bucket:
    """Tokens of one chat."""

    a_second: float
    burst: float
    tokens: float
    filled: float

    def wait(self, weight: float, now: float) -> float:
        """Seconds until `weight` may be spent; an album heavier than the burst needs a full bucket."""
        self.tokens = min(self.burst, self.tokens + (now - self.filled) * self.a_second)
        self.filled = now
        return max(0.0, (min(weight, self.burst) - self.tokens) / self.a_second)

    def spend(self, weight: float) -> None:
        """Takes `weight` tokens."""
        self.tokens -= weight


@dataclass
class Budget:
    """The buckets of all chats."""

    buckets: dict[int, Bucket] = field(default_factory=dict)

    def of(self, chat_id: int, now: float) -> Bucket:
        """The chat's bucket; it starts full."""
        if chat_id not in self.buckets:
            is_group = chat_id < 0
            rate, burst = (GROUP_A_SECOND, GROUP_BURST) if is_group else (PRIVATE_A_SECOND, PRIVATE_BURST)
            self.buckets[chat_id] = Bucket(rate, burst, burst, now)
        return self.buckets[chat_id]
