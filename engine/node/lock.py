"""One engine a data folder: a lock the system takes back when its holder dies, with a note of who holds it."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path

from storage.errors import EngineBusy

LOCK_FILE = "engine.node.lock"


@contextmanager
def hold_engine_lock(data: Path, since: datetime) -> Iterator[None]:
    """Holds the folder's lock while open. Raises EngineBusy with the holder's `pid` and `since`."""
    data.mkdir(parents=True, exist_ok=True)
    with (data / LOCK_FILE).open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            file.seek(0)
            holder = _holder(file.read())
            raise EngineBusy(pid=holder.get("pid"), since=holder.get("since")) from error
        note = json.dumps({"pid": os.getpid(), "since": since.isoformat(timespec="seconds")})
        with suppress(OSError):  # a full disk: the lock itself needs no room, only its note does
            os.ftruncate(file.fileno(), 0)
            os.write(file.fileno(), note.encode())
        yield


def _holder(note: str) -> dict[str, object]:
    try:
        holder = json.loads(note)
    except ValueError:  # it is just being written
        return {}
    return holder if isinstance(holder, dict) else {}
