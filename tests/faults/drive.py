"""`make soak`: every N of every failpoint of the engine, then whole quests while bot and engine are killed at random.

Too long for CI. `python -m tests.faults.drive engine` or `… quest` runs one part; `--kills 50` ends after so many
random kills, `--from 7` goes on at another seed. The last line says what it came to.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path

import httpx

from launch.parts import free_port, product, wait_for_page
from launch.person import Person
from launch.processes import Processes
from launch.quest import Teller, play
from storage.backup import check
from storage.beats import age_seconds
from storage.errors import StylesealError
from tests.faults.engine_runs import whole_run

ENGINE_FAILPOINTS = (
    "commit",
    "rename",
    "after-picture-file",
    "after-picture-row",
    "after-step",
    "after-trained",
    "before-finish",
)
PAUSES_SECONDS = (8.0, 20.0)  # between two kills: an engine needs its time to load


async def every_engine_death() -> None:
    """Dies at N = 1, 2, 3 … of each failpoint until a run meets it no more; the outcome must never differ."""
    with tempfile.TemporaryDirectory() as folder:
        expected, _ = await whole_run(Path(folder) / "undisturbed")
        for name in ENGINE_FAILPOINTS:
            number, died = 0, 1
            while died:
                number += 1
                found, died = await whole_run(Path(folder) / f"{name}-{number}", (f"{name}:{number}",))
                assert found == expected, f"{name}:{number} made something else"
                print(f"{name}:{number} {'died, same outcome' if died else 'was not met'}", flush=True)


@dataclass
class Tally:
    """What a soak came to."""

    kills: int = 0
    quests: int = 0
    lost: int = 0
    doubled: int = 0
    worst_recovery: float = 0.0

    def __str__(self) -> str:
        return (
            f"quests {self.quests}, kills {self.kills}, lost {self.lost}, doubled {self.doubled}, "
            f"worst recovery {self.worst_recovery:.1f} s"
        )


def quest_under_fire(seed: int, tally: Tally) -> None:
    """A whole quest while parts are killed; what came out must be whole."""
    chance, tell = random.Random(seed), Teller()
    with tempfile.TemporaryDirectory() as folder:
        data, port = Path(folder) / "data", free_port()
        base = f"http://127.0.0.1:{port}"
        parts = product({"TELEGRAM_BOT_TOKEN": ""}, rehearsal_port=port, data=data, control=True)
        processes = Processes(parts, log_folder=Path(folder) / "logs")
        processes.start()
        over = threading.Event()

        def nemesis() -> None:
            """Kills one part now and then and starts again what died."""
            strike, waits = time.monotonic() + chance.uniform(*PAUSES_SECONDS), {}
            while not over.wait(0.2):
                now = time.monotonic()
                if now > strike:
                    name = chance.choice(("bot", "engine"))
                    processes.kill(name)
                    waits.setdefault(name, now)
                    tally.kills += 1
                    strike = now + chance.uniform(*PAUSES_SECONDS)
                processes.look_after()
                for name, since in tuple(waits.items()):
                    age = age_seconds(data, name)
                    if age is not None and age < now - since:  # it has beaten since
                        tally.worst_recovery = max(tally.worst_recovery, now - since)
                        del waits[name]

        striking = threading.Thread(target=nemesis)
        striking.start()
        try:
            assert wait_for_page(base + "/", 60)
            with httpx.Client(base_url=base, timeout=30, trust_env=False) as http:
                person = Person(http, "Anna")
                person.arrives()
                play(person, tell)
                documents = [document["file_name"] for document in person.documents()]
        finally:
            over.set()
            striking.join()
            processes.stop()
        check(data)  # raises for whatever is lost or damaged
        tally.quests += 1
        tally.doubled += len(documents) - len(set(documents))
        tell(f"seed {seed}: {tally}")


def main() -> None:
    """Both parts, or the named one."""
    ask = argparse.ArgumentParser()
    ask.add_argument("part", nargs="?", choices=("all", "engine", "quest"), default="all")
    ask.add_argument("--kills", type=int, default=1000)
    ask.add_argument("--from", type=int, default=0, dest="seed")
    asked = ask.parse_args()
    if asked.part in ("all", "engine"):
        asyncio.run(every_engine_death())
    tally = Tally()
    seed = asked.seed
    while asked.part in ("all", "quest") and tally.kills < asked.kills:
        try:
            quest_under_fire(seed, tally)
        except (StylesealError, AssertionError) as error:
            tally.lost += 1
            print(f"seed {seed}: {type(error).__name__}: {error}", file=sys.stderr, flush=True)
        seed += 1
    print(tally)
    sys.exit(1 if tally.lost or tally.doubled else 0)


if __name__ == "__main__":
    main()
