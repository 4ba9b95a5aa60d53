"""What goes wrong around a running product, one random act after another: kills, Telegram's weather, disk, clock."""

from __future__ import annotations

import os
import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
from pysqlite3 import dbapi2 as sqlite

from launch.processes import Processes, is_up
from storage.beats import age_seconds
from storage.store import DATABASE

PAUSES_SECONDS = (2.0, 6.0)  # between two acts
SPARED_AT = 2  # deaths: a third one without progress puts a job aside, as it should
FULL_SECONDS = (3.0, 8.0)
JUMPS_SECONDS = (-86_400, -3600, 3600, 86_400)
SENDS = ("sendMessage", "sendPhoto", "sendMediaGroup", "sendDocument", "editMessageText", "answerCallbackQuery")


@dataclass
class Tally:
    """What a soak came to."""

    kills: int = 0
    quests: int = 0
    lost: int = 0
    doubled: int = 0
    worst_recovery: float = 0.0
    worst_stall_ms: int = 0
    acts: Counter[str] = field(default_factory=Counter)

    def __str__(self) -> str:
        return (
            f"kills {self.kills}, lost {self.lost}, doubled {self.doubled}, "
            f"worst recovery {self.worst_recovery:.1f} s, worst loop stall {self.worst_stall_ms} ms"
        )


class Nemesis:
    """Strikes until `over`; all of its chances come from the seed. Everything it broke is whole again afterwards."""

    def __init__(self, seed: int, tally: Tally, processes: Processes, data: Path, base: str, disk: Path | None) -> None:
        self.chance = random.Random(seed)
        self.tally, self.processes, self.data, self.base = tally, processes, data, base
        self.filler = disk / "filler" if disk else None
        self.waits: dict[str, float] = {}
        self.over = threading.Event()
        self.calm = threading.Event()  # no more strikes; what is broken is still looked after
        self._empty_at: float | None = None

    def run(self) -> None:
        """Strikes, and starts again what died, until `over`."""
        strike = time.monotonic() + self.chance.uniform(*PAUSES_SECONDS)
        while not self.over.wait(0.1):
            now = time.monotonic()
            if self._empty_at is not None and now > self._empty_at:
                self._empty()
            if now > strike and not self.calm.is_set():
                self._act()
                strike = time.monotonic() + self.chance.uniform(*PAUSES_SECONDS)
            self.processes.look_after()
            self._measure()
        self._empty()

    def _act(self) -> None:
        acts: Sequence[tuple[int, Callable[[], None]]] = (
            (9, self.kill_bot), (6, self.kill_engine), (1, self.storm), (1, self.drop), (1, self.slow),
            (1, self.repeat), (1, self.fill), (1, self.restart_machine),
        )  # fmt: skip
        (act,) = self.chance.choices([one for _, one in acts], [weight for weight, _ in acts])
        self.tally.acts[act.__name__] += 1
        act()

    def kill_bot(self) -> None:
        self._kill("bot")

    def kill_engine(self) -> None:
        self._kill("bot" if self._is_spared() else "engine")

    def storm(self) -> None:
        """Fifty calls are refused until a second has gone by."""
        self._order(method=self.chance.choice(SENDS), code=429, retry_after=1, times=self.chance.randint(5, 50))

    def drop(self) -> None:
        """Connections are cut before or after the server did what it was asked for."""
        method, when = self.chance.choice((*SENDS, "getUpdates")), self.chance.choice(("before", "after"))
        self._order(method=method, drop=when, times=self.chance.randint(1, 5))

    def slow(self) -> None:
        """Telegram takes its time."""
        self._order(method="*", delay=self.chance.uniform(0.2, 2.0), times=self.chance.randint(1, 10))

    def repeat(self) -> None:
        """Updates that were confirmed come once more."""
        with suppress(httpx.HTTPError):
            httpx.post(f"{self.base}/sim/repeat", json={"count": self.chance.randint(1, 20)}, trust_env=False)

    def fill(self) -> None:
        """The disk takes nothing more for some seconds."""
        if self.filler is None or self._empty_at is not None:
            return
        handle = os.open(self.filler, os.O_CREAT | os.O_WRONLY)
        with suppress(OSError):
            for size in (1 << 20, 4096):
                with suppress(OSError):
                    while True:
                        os.write(handle, b"\0" * size)
        os.close(handle)
        self._empty_at = time.monotonic() + self.chance.uniform(*FULL_SECONDS)

    def restart_machine(self) -> None:
        """Both halves die, and the machine comes back with another boot id and a clock that is hours or a day wrong."""
        if self._empty_at is not None or self._is_spared():
            self.kill_bot()
            return
        for name in ("bot", "engine"):
            self._kill(name)
            jump = self.chance.choice(JUMPS_SECONDS)
            self.processes.parts[name].environment["STYLESEAL_WALL_OFF_SECONDS"] = str(jump)
        with closing(sqlite.connect(str(self.data / DATABASE), isolation_level=None)) as connection:
            connection.execute("UPDATE clock SET boot = 'before'")

    def _is_spared(self) -> bool:
        """Whether one more dead engine would put a job aside."""
        with closing(sqlite.connect(str(self.data / DATABASE), timeout=5)) as connection, suppress(sqlite.Error):
            (deaths,) = connection.execute("SELECT max(deaths) FROM jobs WHERE finished IS NULL").fetchone()
            return deaths is not None and deaths >= SPARED_AT
        return True

    def _order(self, **fault: Any) -> None:
        with suppress(httpx.HTTPError):
            httpx.post(f"{self.base}/sim/faults", json=fault, trust_env=False)

    def _kill(self, name: str) -> None:
        part = self.processes.parts[name]
        if name in self.waits or not is_up(part):
            return
        self.processes.kill(name)
        part.falls = 0  # a kill from outside is no fall of its own
        self.tally.kills += 1
        self.waits[name] = time.monotonic()

    def _measure(self) -> None:
        """From a kill to the first beat after it."""
        now = time.monotonic()
        for name, since in tuple(self.waits.items()):
            age = age_seconds(self.data, name)
            if age is not None and age < now - since:
                self.tally.worst_recovery = max(self.tally.worst_recovery, now - since)
                del self.waits[name]

    def _empty(self) -> None:
        if self.filler is not None and self._empty_at is not None:
            self.filler.unlink(missing_ok=True)
            self._empty_at = None
