"""Runs one named function on a stranger's file in a fresh child process with hard limits. Knows no file format.

What a hostile file can do ends with the child: memory, processor seconds, time, the size of what comes back; no write,
no network where the kernel allows that to be taken away (`guards` says what holds here), and no secret of ours in reach
of its environment. `limited_process` is the other side.
"""

from __future__ import annotations

import json
import os
import selectors
import signal
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from storage.errors import FileRefused

ROOT = Path(__file__).resolve().parents[1]
START = "import sys; sys.path.insert(0, sys.argv[1]); from storage.limited_process import main; main(sys.argv[2])"
ENVIRONMENT = {"LC_ALL": "C.UTF-8", "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"}
KIND_BYTES, CHUNK_BYTES = 1, 1 << 16
TOO_SLOW = "it takes too long to read"
CRASHED = "reading it crashed"
WORDS = {"M": "it takes too much memory to read", "L": "what it holds is too much"}


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What one reading may cost. `memory_bytes` is address space, of which an idle child has about 30 MB."""

    memory_bytes: int = 300 << 20
    cpu_seconds: int = 5
    wall_seconds: float = 10.0
    result_bytes: int = 1 << 20
    open_files: int = 32


DEFAULT = Limits()


@dataclass(frozen=True)
class Guards:
    """What the kernel lets the child do without, beyond the limits that hold everywhere."""

    network: bool
    writing: bool


def read_in_child(function: str, *arguments: str | int, limits: Limits = DEFAULT) -> Any:
    """What `module:function` returns for these arguments: bytes as they are, everything else through JSON.

    Blocks until the child ends; an event loop calls it in a thread. Raises FileRefused, with the `reason` in one line,
    for what the function refuses, what it cannot read, and what a limit stops.
    """
    kind, content = _answer(_asked(function, arguments, limits), limits)
    if kind == "J":
        return json.loads(content)
    if kind == "B":
        return content
    raise FileRefused(reason=content.decode() if kind == "R" else WORDS.get(kind, CRASHED))


def guards() -> Guards:
    """What holds on this machine, found by trying."""
    return Guards(**read_in_child("storage.limited_process:held_guards"))


def _asked(function: str, arguments: tuple[str | int, ...], limits: Limits) -> tuple[subprocess.Popen[bytes], int]:
    """The running child, and the end of the pipe that its answer comes out of."""
    outgoing, incoming = os.pipe()
    task = {"function": function, "arguments": arguments, "limits": asdict(limits), "pipe": incoming}
    try:
        child = subprocess.Popen(  # noqa: S603 - our own interpreter and our own words
            [sys.executable, "-I", "-B", "-c", START, str(ROOT), json.dumps(task)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env=ENVIRONMENT,
            cwd="/",
            pass_fds=(incoming,),
            start_new_session=True,
            umask=0o077,
        )
    except BaseException:
        os.close(outgoing)
        raise
    finally:
        os.close(incoming)
    return child, outgoing


def _answer(asked: tuple[subprocess.Popen[bytes], int], limits: Limits) -> tuple[str, bytes]:
    """(kind, content) of the child's answer; the child and whatever it started have ended by then."""
    child, pipe = asked
    try:
        content = _until_closed(pipe, limits)
    finally:
        os.close(pipe)
        with suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGKILL)
        child.wait()
    if content:
        return content[:KIND_BYTES].decode("ascii", "replace"), content[KIND_BYTES:]
    raise FileRefused(reason=TOO_SLOW if child.returncode == -signal.SIGXCPU else CRASHED)


def _until_closed(pipe: int, limits: Limits) -> bytes:
    """Everything that is written into the pipe. Raises FileRefused at the wall-clock limit or the result's."""
    ends = time.monotonic() + limits.wall_seconds
    found = bytearray()
    with selectors.DefaultSelector() as selector:
        selector.register(pipe, selectors.EVENT_READ)
        while len(found) <= limits.result_bytes + KIND_BYTES:
            if not selector.select(max(0.0, ends - time.monotonic())):
                raise FileRefused(reason=TOO_SLOW)
            chunk = os.read(pipe, CHUNK_BYTES)
            if not chunk:
                return bytes(found)
            found += chunk
    raise FileRefused(reason=WORDS["L"])
