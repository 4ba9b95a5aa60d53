"""Starts the product's parts as processes and brings back whichever dies or hangs.

Knows only commands and ports; imports neither bot nor engine nor storage. The same code runs in a terminal and, for one
part, inside a container.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

import psutil

from launch.earlier import note_parts
from launch.pulse import Patience, Pulse

ROOT = Path(__file__).resolve().parent.parent
RESTART_PAUSES_SECONDS = (0.5, 1, 2, 5, 10, 30)  # a process that dies at once is not started in a busy loop
LIVED_WELL_SECONDS = 60  # after so long a death counts as the first again
STOP_GRACE_SECONDS = 20  # a training writes its state first
AWAITED_SECONDS = 30
REFUSED = range(2, 5)  # exit codes that say in words why going on makes no sense


@dataclass
class Part:
    """One process of the product. `alive` is a command that says by its exit code whether the part does its work."""

    name: str
    command: tuple[str, ...]
    environment: dict[str, str] = field(default_factory=dict)
    alive: tuple[str, ...] = ()
    makes: Path | None = None  # a file that the parts after it need
    process: subprocess.Popen[bytes] | None = None
    started: float = 0.0
    falls: int = 0
    not_before: float = 0.0
    pulse: Pulse | None = None
    question: subprocess.Popen[bytes] | None = None
    asked: float = 0.0
    kill_at: float | None = None
    refused: bool = False


class Processes:
    """The product's processes, kept alive until `stop()`. They end by themselves when this process is gone."""

    def __init__(
        self,
        parts: list[Part],
        log_folder: Path | None = None,
        patience: Patience | None = None,
        record: Path | None = None,
    ) -> None:
        self.parts = {part.name: part for part in parts}
        self.log_folder = log_folder
        self.patience = patience or Patience()
        self.record = record  # where the next start finds what this one left, should it be cut off
        self.stopping = False
        self.hurried = False
        self._leash, self._leash_end = os.pipe()  # children read until it closes: then whoever started them is gone

    def start(self) -> None:
        """Starts all of them, in order."""
        for part in self.parts.values():
            self._spawn(part)
            deadline = time.monotonic() + AWAITED_SECONDS
            while part.makes and not part.makes.exists() and time.monotonic() < deadline and is_up(part):
                time.sleep(0.05)

    def _spawn(self, part: Part) -> None:
        output: IO[bytes] | None = None
        if self.log_folder is not None:
            self.log_folder.mkdir(parents=True, exist_ok=True)
            output = (self.log_folder / f"{part.name}.log").open("ab")
        part.process = subprocess.Popen(  # noqa: S603 - our own commands
            part.command,
            cwd=ROOT,
            env={**os.environ, **part.environment, "STYLESEAL_LEASH": str(self._leash)},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output and subprocess.STDOUT,
            pass_fds=(self._leash,),
            start_new_session=True,  # Ctrl-C reaches us alone; we stop the parts in order
        )
        part.started = part.asked = time.monotonic()
        part.pulse, part.kill_at = Pulse(self.patience, part.started), None
        if output is not None:
            output.close()
        if self.record is not None:
            running = [(one.process.pid, one.command) for one in self.parts.values() if one.process is not None]
            note_parts(self.record, running)

    def look_after(self) -> list[str]:
        """Replaces what hangs, starts again what has died; returns the names of parts that refused and said why."""
        for part in self.parts.values():
            now = time.monotonic()
            if part.process is not None and (code := part.process.poll()) is not None:
                self._mourn(part, code, now)
            elif part.process is not None:
                self._feel(part, now)
            if part.process is None and now >= part.not_before and not part.refused:
                self._spawn(part)
        return [part.name for part in self.parts.values() if part.refused]

    def _mourn(self, part: Part, code: int, now: float) -> None:
        part.process = None
        end_question(part)
        if code in REFUSED:
            part.refused = True
            say(f"{part.name} ended (exit {code}) and is not started again; what it said above is the reason")
            return
        part.falls = 0 if now - part.started > LIVED_WELL_SECONDS else part.falls
        part.not_before = now + RESTART_PAUSES_SECONDS[min(part.falls, len(RESTART_PAUSES_SECONDS) - 1)]
        part.falls += 1
        say(f"{part.name} ended (exit {code}); nothing is lost, it is started again")

    def _feel(self, part: Part, now: float) -> None:
        """Asks now and then whether it is alive; ends it, at last by kill -9, when it hangs."""
        assert part.process is not None
        assert part.pulse is not None
        if part.kill_at is not None:
            if now > part.kill_at:
                kill_group(part.process)
            return
        if part.question is not None:
            self._hear(part, now)
        elif part.alive and now - part.asked >= self.patience.between_questions:
            part.asked = now
            part.question = ask(part)
        if part.alive and part.pulse.hangs(now):
            say(f"{part.name} has not answered for {now - (part.pulse.silent_since or now):.0f} s; it is replaced")
            part.process.terminate()
            part.kill_at = now + self.patience.grace

    def _hear(self, part: Part, now: float) -> None:
        assert part.question is not None
        assert part.process is not None
        assert part.pulse is not None
        code = part.question.poll()
        if code is None and now - part.asked < self.patience.question:
            return
        end_question(part)
        part.pulse.is_stopped = is_stopped(part.process.pid)
        part.pulse.notes(code == 0, now, cpu_seconds(part.process.pid))

    def kill(self, name: str) -> None:
        """kill -9 of one part; `look_after` brings it back."""
        process = self.parts[name].process
        if process is not None:
            process.send_signal(signal.SIGKILL)
            process.wait()

    def stop(self) -> None:
        """Asks all to end, last started first, and kills what does not within the grace, or at once when `hurried`."""
        self.stopping = True
        for part in reversed(self.parts.values()):
            end_question(part)
            if part.process is not None and is_up(part):
                part.process.terminate()
        deadline = time.monotonic() + STOP_GRACE_SECONDS
        while any(map(is_up, self.parts.values())) and time.monotonic() < deadline and not self.hurried:
            time.sleep(0.05)
        for part in self.parts.values():
            if part.process is not None:
                kill_group(part.process)
                part.process.wait()
        if self.record is not None:
            self.record.unlink(missing_ok=True)
        for end in (self._leash, self._leash_end):
            with suppress(OSError):  # a second stop
                os.close(end)


def say(line: str) -> None:
    """A line for who sits at the terminal."""
    print(line, file=sys.stderr, flush=True)


def is_up(part: Part) -> bool:
    """Whether its process runs."""
    return part.process is not None and part.process.poll() is None


def kill_group(process: subprocess.Popen[bytes]) -> None:
    """kill -9 of a process and what it started; each part leads a session of its own."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)


def ask(part: Part) -> subprocess.Popen[bytes]:
    """Starts the part's alive command; its exit code is the answer."""
    quiet = subprocess.DEVNULL
    environment = {**os.environ, **part.environment}
    return subprocess.Popen(part.alive, cwd=ROOT, env=environment, stdin=quiet, stdout=quiet, stderr=quiet)  # noqa: S603 - our own


def end_question(part: Part) -> None:
    """Leaves no question behind."""
    if part.question is not None:
        part.question.kill()
        part.question.wait()
        part.question = None


def cpu_seconds(pid: int) -> float:
    """What a process and its children have computed; 0 when it is gone."""
    try:
        process = psutil.Process(pid)
        family = [process, *process.children(recursive=True)]
        return float(sum(sum(one.cpu_times()[:2]) for one in family))
    except psutil.Error:
        return 0.0


def is_stopped(pid: int) -> bool:
    """Whether a signal holds the process still."""
    try:
        return bool(psutil.Process(pid).status() == psutil.STATUS_STOPPED)
    except psutil.Error:
        return False
