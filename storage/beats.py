"""Beats of processes as small files: written on a full disk too, read by anybody, without database and locks."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from storage.clock import boot_id, uptime_ms


def beat(folder: Path, name: str, now_ms: int | None = None) -> None:
    """Says that this process does its work; the file is written over in place, which needs no room."""
    line = f"{boot_id()} {uptime_ms() if now_ms is None else now_ms:020d}\n"
    with suppress(OSError):
        handle = os.open(folder / f"{name}.beat", os.O_CREAT | os.O_WRONLY, 0o600)
        try:
            os.pwrite(handle, line.encode(), 0)
        finally:
            os.close(handle)


def age_seconds(folder: Path, name: str, now_ms: int | None = None) -> float | None:
    """Seconds since the last beat, however clocks jumped; None when there was none since this machine began."""
    try:
        boot, at = (folder / f"{name}.beat").read_text().split()
        moment = uptime_ms() if now_ms is None else now_ms
        return (moment - int(at)) / 1000 if boot == boot_id() else None
    except (OSError, ValueError):
        return None
