"""What a hostile file could make a parser do, as functions that a limited child runs."""

from __future__ import annotations

import ctypes
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from storage.errors import FileRefused


def echo(word: str, times: int) -> list[str]:
    return [word] * times


def raw(count: int) -> bytes:
    return b"\0" * count


def eats_memory() -> int:
    return len([bytearray(10 << 20) for _ in range(1000)])


def computes_for_ever() -> None:
    while True:
        pass


def waits_for_ever() -> None:
    signal.pause()


def leaves_a_child(count: int) -> None:
    """A grandchild outlives the answer unless the whole group is ended; it holds the pipe of the parent open."""
    if os.fork() == 0:
        signal.alarm(count)
        signal.pause()


def talks_for_ever() -> None:
    while True:
        sys.stdout.write("x" * 10_000)
        sys.stderr.write("x" * 10_000)


def crashes() -> None:
    ctypes.string_at(0)


def nests(depth: int) -> int:
    return nests(depth + 1)


def refuses() -> None:
    raise FileRefused(reason="two\nlines of\ta reason")


def writes(folder: str) -> list[str]:
    """Which ways of changing the disk worked."""
    ways = {
        "fill": lambda: Path(folder, "there").write_bytes(b"x"),
        "make": lambda: Path(folder, "made").touch(),
        "folder": lambda: Path(folder, "folder").mkdir(),
        "drop": lambda: Path(folder, "there").unlink(),
        "link": lambda: Path(folder, "link").symlink_to("/"),
        "cut": lambda: os.truncate(Path(folder, "there"), 0),
        "run": lambda: subprocess.run(["/bin/true"], check=True),
    }
    return [name for name, way in ways.items() if _works(way)]


def calls(tcp: int, udp: int) -> list[str]:
    """Which ways of talking to somebody on this machine worked."""

    def sends() -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as out:
            out.sendto(b"secret", ("127.0.0.1", udp))

    ways = {"tcp": lambda: socket.create_connection(("127.0.0.1", tcp), timeout=1), "udp": sends}
    return [name for name, way in ways.items() if _works(way)]


def surroundings() -> dict[str, object]:
    """What of ours is within reach."""
    return {"environment": dict(os.environ), "folder": str(Path.cwd()), "stdin": sys.stdin.read()}


def _works(way: Callable[[], object]) -> bool:
    try:
        way()
    except OSError:
        return False
    return True
