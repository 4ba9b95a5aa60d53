"""The one time of storage: it goes on at its own pace, whatever anybody does to the machine's wall clock.

All processes of a machine share it: the time since the machine began, plus an origin that the database keeps.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

Clock = Callable[[], datetime]
WALL_OFF_SECONDS = float(os.environ.get("STYLESEAL_WALL_OFF_SECONDS", "0"))  # only `make soak` sets a clock wrong
LINUX_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
LATEST = """SELECT max(at) AS at FROM (
    SELECT beat AS at FROM machine UNION ALL SELECT at FROM moments
    UNION ALL SELECT * FROM (SELECT created FROM jobs ORDER BY id DESC LIMIT 1)
    UNION ALL SELECT * FROM (SELECT received FROM inbox ORDER BY update_id DESC LIMIT 1)
    UNION ALL SELECT * FROM (SELECT created FROM outbox ORDER BY id DESC LIMIT 1))"""
KEEP = "INSERT INTO clock (id, boot, origin) VALUES (1, ?1, ?2) ON CONFLICT (id) DO UPDATE SET boot = ?1, origin = ?2"


def utc_now() -> datetime:
    """The wall clock, which may jump: only for what people read."""
    return datetime.now(UTC) + timedelta(seconds=WALL_OFF_SECONDS)


def to_ms(moment: datetime) -> int:
    """An aware moment as milliseconds since 1970 UTC."""
    return round(moment.timestamp() * 1000)


def from_ms(milliseconds: int) -> datetime:
    """The aware moment of `to_ms`."""
    return datetime.fromtimestamp(milliseconds / 1000, UTC)


def uptime_ms() -> int:
    """Milliseconds since this machine began, asleep or not: the same for all its processes, set by nobody."""
    if sys.platform == "linux":
        return time.clock_gettime_ns(time.CLOCK_BOOTTIME) // 1_000_000
    return time.monotonic_ns() // 1_000_000


def boot_id() -> str:
    """A name for the time since this machine began; another one after every restart of it."""
    if LINUX_BOOT_ID.exists():
        return LINUX_BOOT_ID.read_text().strip()
    asked = ["/usr/sbin/sysctl", "-n", "kern.bootsessionuuid"]  # macOS
    return subprocess.run(asked, capture_output=True, check=True, text=True).stdout.strip()  # noqa: S603


def find_origin(
    connection: Any, boot: str | None = None, uptime: Callable[[], int] = uptime_ms, wall: Clock = utc_now
) -> int:
    """The moment (ms) at which this machine began, as the first process since then took it.

    After a restart of the machine it is taken anew, and never so that the time would go back behind what is stored.
    """
    boot = boot or boot_id()
    connection.execute("BEGIN IMMEDIATE")
    row = connection.execute("SELECT boot, origin FROM clock").fetchone()
    if row is not None and row[0] == boot:
        origin = int(row[1])
    else:
        latest = connection.execute(LATEST).fetchone()[0] or 0
        origin = max(to_ms(wall()), latest) - uptime()
        connection.execute(KEEP, (boot, origin))
    connection.execute("COMMIT")
    return origin


def steady(origin_ms: int, uptime: Callable[[], int] = uptime_ms) -> Clock:
    """The time since that origin."""
    return lambda: from_ms(origin_ms + uptime())


class NeverBack:
    """A handed-in clock whose steps back count as no time at all; whatever else that clock can do, it still can."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._highest, self._lost = datetime.min.replace(tzinfo=UTC), timedelta()

    def __call__(self) -> datetime:
        moment = self._clock() + self._lost
        if moment < self._highest:
            self._lost += self._highest - moment
            moment = self._highest
        self._highest = moment
        return moment

    def __getattr__(self, name: str) -> Any:
        return getattr(self._clock, name)
