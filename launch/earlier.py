"""One start a data folder, and what an earlier start left behind when it was cut off."""

from __future__ import annotations

import fcntl
import json
import os
import signal
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psutil

LOCK, RECORD = "launch.lock", "launch.json"
BY_ITSELF_SECONDS, WHEN_ASKED_SECONDS = 5.0, 20.0  # it writes its state first


class AlreadyRuns(Exception):
    """Somebody else starts and looks after the processes of this data folder."""


@contextmanager
def hold(data: Path) -> Iterator[None]:
    """Holds the folder's lock; the system takes it back when we die. Raises AlreadyRuns with the holder's number."""
    data.mkdir(parents=True, exist_ok=True, mode=0o700)
    with (data / LOCK).open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            file.seek(0)
            raise AlreadyRuns(file.read().strip() or "unknown") from error
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield


def note_parts(record: Path, running: Sequence[tuple[int, Sequence[str]]]) -> None:
    """Keeps which processes run, with their commands, so that a number that came again is not taken for one of them."""
    draft = record.with_suffix(".new")
    draft.write_text(json.dumps([[pid, list(command)] for pid, command in running]))
    draft.replace(record)


def left_over(record: Path) -> list[psutil.Process]:
    """The processes of an earlier start that still run."""
    try:
        noted: Any = [(int(pid), list(command)) for pid, command in json.loads(record.read_text())]
    except (OSError, ValueError, TypeError):  # there is none, or it was cut short
        return []
    found = []
    for pid, command in noted:
        with suppress(psutil.Error):
            process = psutil.Process(pid)
            if process.cmdline() == command and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
    return found


def end_left_over(record: Path, by_itself: float = BY_ITSELF_SECONDS, asked: float = WHEN_ASKED_SECONDS) -> int:
    """Waits for what an earlier start left, asks it to end, and kills what does not; returns how many there were."""
    found = left_over(record)
    alive = psutil.wait_procs(found, timeout=by_itself)[1]
    for process in alive:
        with suppress(psutil.Error):
            process.terminate()
    deadline = time.monotonic() + asked
    for process in psutil.wait_procs(alive, timeout=max(0.0, deadline - time.monotonic()))[1]:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)  # each part leads a session of its own
    psutil.wait_procs(alive, timeout=5.0)
    record.unlink(missing_ok=True)
    return len(found)


def who_listens(port: int) -> str:
    """Who holds a port of this machine, in words; empty when the system does not tell."""
    with suppress(psutil.Error, OSError):
        for one in psutil.net_connections("tcp"):
            if one.laddr and one.laddr.port == port and one.status == psutil.CONN_LISTEN and one.pid:
                process = psutil.Process(one.pid)
                is_ours = "rehearsal" in process.cmdline()
                return f"process {one.pid}, {'another rehearsal chat' if is_ours else process.name()}"
    return ""
