"""`make soak`: every N of every failpoint of the engine, then whole quests while everything around them goes wrong.

Too long for CI. `python -m tests.faults.drive engine`, `… quest` or `… scorecard` runs one part; `--kills` and
`--minutes` end the quests, `--seed` begins at another seed (one quest each). The last line says what it came to.
"""

from __future__ import annotations

import argparse
import asyncio
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from launch.parts import free_port, product, wait_for_page
from launch.processes import Processes
from launch.quest import ACTS, Teller, play
from storage.stalls import worst_stall_ms
from tests.faults.after import doubled, lost
from tests.faults.engine_runs import whole_run
from tests.faults.nemesis import Nemesis, Tally
from tests.faults.patient import Patient
from tests.faults.scorecard import FAULTS, count_held

ENGINE_FAILPOINTS = (
    "commit",
    "rename",
    "after-picture-file",
    "after-picture-row",
    "after-step",
    "after-trained",
    "before-finish",
)
DISK = "size=600m"


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


@contextmanager
def small_disk(folder: Path) -> Iterator[Path | None]:
    """A disk of its own at that folder, for root; None where it cannot be had, and then no disk is filled."""
    folder.mkdir()
    mounted = subprocess.run(
        ["/usr/bin/env", "mount", "-t", "tmpfs", "-o", DISK, "tmpfs", str(folder)], check=False, capture_output=True
    )
    if mounted.returncode:
        print("only root may mount a disk of its own: no disk is filled", file=sys.stderr)
        yield None
        return
    try:
        yield folder
    finally:
        subprocess.run(["/usr/bin/env", "umount", "-l", str(folder)], check=True)


def quest_under_fire(seed: int, tally: Tally, logs: Path, calm_at: float, acts: int) -> None:
    """A whole quest while everything around it goes wrong; what came out must be whole, and there once."""
    stalls = logs / "stalls"
    stalls.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, small_disk(Path(folder) / "disk") as disk:
        data, port = Path(folder) / "disk" / "data", free_port()
        (Path(folder) / "rehearsal").mkdir()
        data.mkdir()
        (data / "rehearsal").symlink_to(Path(folder) / "rehearsal")  # Telegram's own disk is never full
        base = f"http://127.0.0.1:{port}"
        environment = {"TELEGRAM_BOT_TOKEN": "", "STYLESEAL_STALLS": str(stalls)}
        processes = Processes(product(environment, rehearsal_port=port, data=data, control=True), log_folder=logs)
        processes.start()
        nemesis = Nemesis(seed, tally, processes, data, base, disk)
        striking = threading.Thread(target=nemesis.run)
        ending = threading.Timer(max(0.0, calm_at - time.monotonic()), nemesis.calm.set)
        try:
            assert wait_for_page(base + "/", 60)
            striking.start()
            ending.start()
            with httpx.Client(base_url=base, timeout=30, trust_env=False) as http:
                person = Patient(http, "Anna")
                person.arrives()
                play(person, Teller(), acts)
                chat = person.messages()
        except BaseException:
            shutil.copytree(data, logs / "data", symlinks=True, dirs_exist_ok=True)  # what it came to, to be looked at
            raise
        finally:
            ending.cancel()
            nemesis.over.set()
            if striking.is_alive():
                striking.join()
            processes.stop()
            tally.worst_stall_ms = max(
                tally.worst_stall_ms, *(worst_stall_ms(stalls, one) for one in ("bot", "engine"))
            )
        for what in lost(data, person):
            tally.lost += 1
            print(f"seed {seed}: lost: {what}", file=sys.stderr, flush=True)
        for what in doubled(data, chat):
            tally.doubled += 1
            print(f"seed {seed}: doubled: {what}", file=sys.stderr, flush=True)
        tally.quests += 1


def soak_quests(tally: Tally, kills: int, minutes: float, seed: int, acts: int) -> None:
    """Quest after quest, each of its own seed, until there were so many kills or minutes."""
    calm_at = time.monotonic() + minutes * 60
    root = Path(tempfile.mkdtemp(prefix="soak-"))
    print(f"logs: {root}", flush=True)
    while tally.kills < kills and time.monotonic() < calm_at:
        try:
            quest_under_fire(seed, tally, root / str(seed), calm_at, acts)
        except Exception as error:
            tally.lost += 1
            print(f"seed {seed}: {type(error).__name__}: {error}", file=sys.stderr, flush=True)
        print(f"seed {seed}: quests {tally.quests}, {tally}, {dict(tally.acts)}", flush=True)
        seed += 1


def main() -> None:
    """All parts, or the named one."""
    ask = argparse.ArgumentParser()
    ask.add_argument("part", nargs="?", choices=("all", "engine", "quest", "scorecard"), default="all")
    ask.add_argument("--kills", type=int, default=1000)
    ask.add_argument("--minutes", type=float, default=600.0)
    ask.add_argument("--acts", type=int, default=len(ACTS), help="play only the first acts of a quest")
    ask.add_argument("--seed", type=int, default=0)
    asked = ask.parse_args()
    if asked.part in ("all", "engine"):
        asyncio.run(every_engine_death())
    tally, held = Tally(), None
    if asked.part in ("all", "scorecard"):
        held = count_held()
    if asked.part in ("all", "quest"):
        soak_quests(tally, asked.kills, asked.minutes, asked.seed, asked.acts)
    print(f"faults {'not played' if held is None else f'{held}/{FAULTS}'}, {tally}")
    sys.exit(1 if tally.lost or tally.doubled else 0)


if __name__ == "__main__":
    main()
