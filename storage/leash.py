"""Ends this process when whoever started it is gone: a pipe that closes then, however that one died."""

from __future__ import annotations

import os
import signal
import threading
import time

LEASH = "STYLESEAL_LEASH"  # number of the open pipe end, set by `launch`
GRACE_SECONDS = 20.0  # a training writes its state first


def follow_launcher() -> None:
    """From now on a `launch` that dies, also by kill -9, asks this process to end. Nothing when started by hand."""
    number = os.environ.pop(LEASH, "")
    if number.isdecimal():
        threading.Thread(target=_end_with, args=(int(number),), name="leash", daemon=True).start()


def _end_with(pipe: int, grace_seconds: float = GRACE_SECONDS) -> None:
    try:
        os.read(pipe, 1)  # nothing is ever written: it returns when the other end closes
    except OSError:
        return
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(grace_seconds)
    os.kill(os.getpid(), signal.SIGKILL)
