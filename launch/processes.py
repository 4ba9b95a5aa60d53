"""Starts bot, engine and (without a token) the rehearsal chat as processes, and brings back whichever dies.

Knows only commands and ports; imports neither bot nor engine nor storage.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

ROOT = Path(__file__).resolve().parent.parent
RESTART_PAUSES_SECONDS = (0.5, 1, 2, 5, 10, 30)  # a process that dies at once is not started in a busy loop
LIVED_WELL_SECONDS = 60  # after so long a death counts as the first again
STOP_GRACE_SECONDS = 20  # a training writes its state first
REFUSED = 2  # exit codes from 2 to 4 say in words why going on makes no sense


@dataclass
class Part:
    """One process of the product."""

    name: str
    command: tuple[str, ...]
    environment: dict[str, str] = field(default_factory=dict)
    process: subprocess.Popen[bytes] | None = None
    started: float = 0.0
    falls: int = 0
    not_before: float = 0.0


def port_is_free(port: int) -> bool:
    """Whether nothing listens on this port of 127.0.0.1."""
    with socket.socket() as probe:
        probe.settimeout(0.5)
        return probe.connect_ex(("127.0.0.1", port)) != 0


def free_port() -> int:
    """A port of 127.0.0.1 that nothing uses at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class Processes:
    """The product's processes, kept alive until `stop()`."""

    def __init__(self, parts: list[Part], log_folder: Path | None = None) -> None:
        self.parts = {part.name: part for part in parts}
        self.log_folder = log_folder
        self.stopping = False

    def start(self) -> None:
        """Starts all of them, in order."""
        for part in self.parts.values():
            self._spawn(part)

    def _spawn(self, part: Part) -> None:
        output: IO[bytes] | None = None
        if self.log_folder is not None:
            self.log_folder.mkdir(parents=True, exist_ok=True)
            output = (self.log_folder / f"{part.name}.log").open("ab")
        part.process = subprocess.Popen(  # noqa: S603 - our own commands
            part.command,
            cwd=ROOT,
            env={**os.environ, **part.environment},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output and subprocess.STDOUT,
            start_new_session=True,  # Ctrl-C reaches us alone; we stop the parts in order
        )
        part.started = time.monotonic()
        if output is not None:
            output.close()

    def look_after(self) -> list[str]:
        """Starts again what has died; returns the names of parts that refused to run and said why."""
        refused: list[str] = []
        now = time.monotonic()
        for part in self.parts.values():
            if part.process is not None and (code := part.process.poll()) is not None:
                part.process = None
                if code in (REFUSED, REFUSED + 1, REFUSED + 2):
                    refused.append(part.name)
                part.falls = 0 if now - part.started > LIVED_WELL_SECONDS else part.falls
                part.not_before = now + RESTART_PAUSES_SECONDS[min(part.falls, len(RESTART_PAUSES_SECONDS) - 1)]
                part.falls += 1
                print(f"{part.name} ended (exit {code}); nothing is lost, it is started again", file=sys.stderr)
            if part.process is None and now >= part.not_before and part.name not in refused:
                self._spawn(part)
        return refused

    def kill(self, name: str) -> None:
        """kill -9 of one part; `look_after` brings it back."""
        process = self.parts[name].process
        if process is not None:
            process.send_signal(signal.SIGKILL)
            process.wait()

    def stop(self) -> None:
        """Asks all to end, last started first, and kills what does not within the grace."""
        self.stopping = True
        for part in reversed(self.parts.values()):
            if part.process is not None and part.process.poll() is None:
                part.process.terminate()
        deadline = time.monotonic() + STOP_GRACE_SECONDS
        for part in self.parts.values():
            if part.process is None:
                continue
            try:
                part.process.wait(max(0.1, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                part.process.kill()
                part.process.wait()


def python(*arguments: str) -> tuple[str, ...]:
    """A command of this very Python."""
    return (sys.executable, *arguments)


def product(environment: Mapping[str, str], *, rehearsal_port: int | None, data: Path, control: bool) -> list[Part]:
    """The parts of the product; with a rehearsal port the local chat comes first and the bot speaks to it."""
    shared = {"STYLESEAL_DATA": str(data), **environment}
    parts: list[Part] = []
    if rehearsal_port is not None:
        flags = ("--control",) if control else ()
        command = python(
            "-m", "bot.rehearsal", "--port", str(rehearsal_port), "--data", str(data / "rehearsal"), *flags
        )
        parts.append(Part("rehearsal", command, shared))
        shared = {**shared, "TELEGRAM_API_URL": f"http://127.0.0.1:{rehearsal_port}"}
    parts.append(Part("engine", python("-m", "engine"), shared))
    parts.append(Part("bot", python("-m", "bot"), shared))
    return parts


def wait_for_page(url: str, seconds: float) -> bool:
    """Whether the page answers within so many seconds."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(url, timeout=2):  # noqa: S310 - http on loopback
                return True
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)
    return False
