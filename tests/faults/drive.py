"""`make soak`: every N of every failpoint of the engine, then whole quests while bot and engine are killed at random.

Too long for CI. `python -m tests.faults.drive engine` or `… quest 3` runs one part.
"""

from __future__ import annotations

import asyncio
import random
import sys
import tempfile
import threading
import time
from pathlib import Path

import httpx

from launch.parts import free_port, product, wait_for_page
from launch.person import Person
from launch.processes import Processes
from launch.quest import Teller, play
from storage.backup import check
from tests.faults.engine_runs import whole_run

ENGINE_FAILPOINTS = ("commit", "rename", "after-picture-file", "after-picture-row", "after-trained", "before-finish")
PAUSES_SECONDS = (20.0, 45.0)  # between two kills: an engine needs its time to load


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


def quest_under_fire(seed: int) -> None:
    """A whole quest while parts are killed; what came out must be whole."""
    chance, tell = random.Random(seed), Teller()
    with tempfile.TemporaryDirectory() as folder:
        data, port = Path(folder) / "data", free_port()
        base = f"http://127.0.0.1:{port}"
        parts = product({}, rehearsal_port=port, data=data, control=True)
        processes = Processes(parts, log_folder=Path(folder) / "logs")
        processes.start()
        over = threading.Event()

        def nemesis() -> None:
            """Kills one part now and then and starts again what died."""
            strike = time.monotonic() + chance.uniform(*PAUSES_SECONDS)
            while not over.wait(0.2):
                if time.monotonic() > strike:
                    processes.kill(chance.choice(("bot", "engine")))
                    strike = time.monotonic() + chance.uniform(*PAUSES_SECONDS)
                processes.look_after()

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
        check(data)
        assert len(documents) == len(set(documents)), f"a document came twice: {documents}"
        tell(f"seed {seed}: finished, nothing lost, nothing twice")


def main() -> None:
    """Both parts, or the named one."""
    part = sys.argv[1] if len(sys.argv) > 1 else "all"
    if part in ("all", "engine"):
        asyncio.run(every_engine_death())
    if part in ("all", "quest"):
        for seed in range(int(sys.argv[2]) if len(sys.argv) > 2 else 3):
            quest_under_fire(seed)


if __name__ == "__main__":
    main()
