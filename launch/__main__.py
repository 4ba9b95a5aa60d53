"""`make run`: the whole product with one command."""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path
from types import FrameType

from launch.processes import Processes, port_is_free, product, wait_for_page

DOTENV = Path(".env")


def settings() -> dict[str, str]:
    """What matters for launching, from the environment or `.env` (the environment wins)."""
    found: dict[str, str] = {}
    if DOTENV.exists():
        for line in DOTENV.read_text().splitlines():
            name, separator, value = line.partition("=")
            if separator and not name.lstrip().startswith("#"):
                found[name.strip()] = value.strip().strip("'\"")
    return {**found, **os.environ}


def main() -> int:
    """Runs until Ctrl-C; returns the exit code."""
    values = settings()
    data = Path(values.get("STYLESEAL_DATA", "data"))
    port = int(values.get("STYLESEAL_PORT", "8765"))
    rehearse = not values.get("TELEGRAM_BOT_TOKEN") and not values.get("TELEGRAM_API_URL")
    if rehearse and not port_is_free(port):
        print(f"Port {port} of this machine is taken. Stop what uses it, or set STYLESEAL_PORT.", file=sys.stderr)
        return 2
    processes = Processes(product({}, rehearsal_port=port if rehearse else None, data=data, control=False))

    def stop(_signal: int, _frame: FrameType | None) -> None:
        processes.stopping = True

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    processes.start()
    if rehearse and wait_for_page(f"http://127.0.0.1:{port}/", 60):
        print(f"\n  Styleseal rehearses on http://127.0.0.1:{port} – open it in a browser. Ctrl-C stops.\n", flush=True)
    refused: list[str] = []
    while not processes.stopping and not refused:
        time.sleep(0.3)
        refused = [] if processes.stopping else processes.look_after()
    processes.stop()
    return 2 if refused else 0


if __name__ == "__main__":
    sys.exit(main())
