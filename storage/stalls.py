"""How long an event loop looked after nothing: measured only where STYLESEAL_STALLS names a folder (`make soak`)."""

from __future__ import annotations

import asyncio
import os
import time
from pathlib import Path

LOOK_SECONDS = 0.02
FOLDER = os.environ.get("STYLESEAL_STALLS", "")


async def note_stalls(name: str, folder: str = FOLDER) -> None:
    """Keeps this process's worst stall (ms) in `<name>-<pid>.stall` until cancelled; ends where none is asked."""
    worst = 0.0
    while folder:
        began = time.perf_counter()
        await asyncio.sleep(LOOK_SECONDS)
        late = (time.perf_counter() - began - LOOK_SECONDS) * 1000
        if late > worst:
            worst = late
            (Path(folder) / f"{name}-{os.getpid()}.stall").write_text(f"{worst:.0f}")


def worst_stall_ms(folder: Path, name: str) -> int:
    """The worst of all processes of that name; 0 when none was noted."""
    texts = [path.read_text() for path in folder.glob(f"{name}-*.stall")]
    return max((int(text) for text in texts if text), default=0)
