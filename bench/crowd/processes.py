"""A bot as a process of its own, and how much processor time it has used, its children included."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

ROOT = Path(__file__).resolve().parents[2]
STOP_SECONDS = 15.0
TOKEN = "1000001:a-crowd-needs-no-secret"


@dataclass(frozen=True)
class BotProcess:
    """A running bot."""

    pid: int

    def cpu_seconds(self) -> float:
        """Of the bot itself: what taps wait for."""
        times = psutil.Process(self.pid).cpu_times()
        return float(times.user + times.system)

    def children_cpu_seconds(self) -> float:
        """Of the processes that it started and that still live."""
        total = 0.0
        for child in psutil.Process(self.pid).children(recursive=True):
            with suppress(psutil.NoSuchProcess):
                times = child.cpu_times()
                total += times.user + times.system
        return total


@asynccontextmanager
async def bot_process(module: str, address: str, data: Path, *arguments: str) -> AsyncIterator[BotProcess]:
    """`python -m module` speaking to that address, over that data folder."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("TELEGRAM_", "STYLESEAL_"))}
    mine = {"TELEGRAM_BOT_TOKEN": TOKEN, "TELEGRAM_API_URL": address, "STYLESEAL_DATA": str(data)}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", module, *arguments, cwd=ROOT, env={**clean, **mine, "STYLESEAL_LOG_LEVEL": "ERROR"}
    )
    try:
        yield BotProcess(process.pid)
    finally:
        if process.returncode is None:
            process.terminate()
        try:
            async with asyncio.timeout(STOP_SECONDS):
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()
