"""`make run`: the whole product with one command. `python -m launch engine` looks after one part, in a container."""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path
from types import FrameType

from launch.earlier import RECORD, AlreadyRuns, end_left_over, hold, who_listens
from launch.parts import page_answers, port_is_free, product
from launch.processes import Processes, say

DOTENV = Path(".env")
REFUSED, RUNS_ALREADY, HURRIED = 2, 3, 130  # exit codes
LOOK_SECONDS = 0.3
OTHERS = 0o077  # the bits of everybody but the owner


def settings() -> dict[str, str]:
    """What matters for launching, from the environment or `.env` (the environment wins)."""
    found: dict[str, str] = {}
    if DOTENV.exists():
        for line in DOTENV.read_text().splitlines():
            name, separator, value = line.partition("=")
            if separator and not name.lstrip().startswith("#"):
                found[name.strip()] = value.strip().strip("'\"")
    return {**found, **os.environ}


def close_dotenv() -> None:
    """`.env` holds the token, and a shell writes it readable by everybody on this machine."""
    if DOTENV.is_file() and not DOTENV.is_symlink() and DOTENV.stat().st_mode & OTHERS:
        try:
            DOTENV.chmod(0o600)
            say(".env was readable by other users of this machine; now it is yours alone (chmod 600).")
        except PermissionError:
            say(".env can be read by other users of this machine. Its owner should run: chmod 600 .env")


def main(names: list[str]) -> int:
    """Runs until Ctrl-C; returns the exit code."""
    os.umask(OTHERS)
    close_dotenv()
    values = settings()
    data = Path(values.get("STYLESEAL_DATA") or "data")
    try:
        with hold(data if not names else data / f"launch-{'-'.join(names)}"):
            return run(values, data, names)
    except AlreadyRuns as error:
        say(f"Styleseal already runs over {data} (process {error}). Stop it there, or set STYLESEAL_DATA.")
        return RUNS_ALREADY


def run(values: dict[str, str], data: Path, names: list[str]) -> int:
    """Clears what an earlier start left, starts the parts, and looks after them."""
    record = (data if not names else data / f"launch-{'-'.join(names)}") / RECORD
    if end_left_over(record):
        say("An earlier start was cut off; what it left running has ended.")
    port = port_of(values) if not names else None
    if port is not None and not port_is_free(port):
        holder = f" by {found}" if (found := who_listens(port)) else ""
        say(f"Port {port} of this machine is taken{holder}. Stop it, or set STYLESEAL_PORT.")
        return REFUSED
    parts = product({}, rehearsal_port=port, data=data, control=False)
    processes = Processes([part for part in parts if not names or part.name in names], record=record)
    listen(processes)
    say(f"Starting {', '.join(processes.parts)}. The engine loads its model first; Ctrl-C stops all.")
    processes.start()
    return look_after(processes, port, holds=bool(names))


def port_of(values: dict[str, str]) -> int | None:
    """The port of the rehearsal chat; None when there is a token or a server to speak to."""
    outside = ("TELEGRAM_BOT_TOKEN", "TELEGRAM_BOT_TOKEN_FILE", "TELEGRAM_API_URL")
    return None if any(values.get(name) for name in outside) else int(values.get("STYLESEAL_PORT") or "8765")


def listen(processes: Processes) -> None:
    """The first signal stops in order, the second at once."""

    def stop(_signal: int, _frame: FrameType | None) -> None:
        if processes.stopping:
            processes.hurried = True
        else:
            processes.stopping = True
            say("\nStopping; what is being drawn or trained is kept. Ctrl-C again ends at once.")

    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, stop)


def look_after(processes: Processes, port: int | None, *, holds: bool) -> int:
    """Until a signal, the end of whoever started us, or a part that refuses; `holds`: that part stays refused."""
    parent, refused, greets = os.getppid(), False, port is not None
    while not processes.stopping and os.getppid() == parent:
        time.sleep(LOOK_SECONDS)
        refused = bool(processes.look_after())
        if refused and not holds:
            break
        if greets and page_answers(f"http://127.0.0.1:{port}/"):
            greets = False
            print(f"\n  Styleseal rehearses on http://127.0.0.1:{port} – open it in a browser.\n", flush=True)
    processes.stop()
    if processes.hurried:
        return HURRIED
    if refused:
        say("Styleseal does not run: a part refused, and said why above. Mend that, then start again.")
    return REFUSED if refused else 0


def known(names: list[str]) -> bool:
    """Whether these are parts that may run alone."""
    return set(names) <= {"bot", "engine"}


if __name__ == "__main__":
    if not known(sys.argv[1:]):
        say("usage: python -m launch [bot] [engine]")
        sys.exit(REFUSED)
    sys.exit(main(sys.argv[1:]))
