"""`python -m bot doctor`: says in words what is missing, and what to do about it."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path

from bot.settings import Settings
from storage.errors import FileRefused, SqliteTooOld, StorageError
from storage.families import Family
from storage.limited_child import guards
from storage.mounts import danger, file_system
from storage.opening import SAFE_SQLITE, check_library
from storage.packaged_models import packaged_model
from storage.store import DATABASE, Store

FREE_BYTES = 5 << 30  # below it, pictures and checkpoints soon have no room
EMBEDDED = Family.EMOJI.value


@dataclass(frozen=True)
class Finding:
    """One thing looked at. `must`: nothing works without it."""

    name: str
    well: bool
    words: str
    must: bool = True


async def examine(settings: Settings) -> list[Finding]:
    """Everything the doctor looks at."""
    return [*_of_the_machine(settings), *[finding async for finding in _of_the_store(settings)]]


def _of_the_machine(settings: Settings) -> Iterator[Finding]:
    if settings.telegram_bot_token is not None:
        yield Finding("token", True, "set")
    elif settings.speaks_locally:
        yield Finding("token", True, "not needed: the Bot API server is on this machine")
    else:
        yield Finding(
            "token", False, "none. Get one from @BotFather, or `make run` opens the rehearsal chat", must=False
        )
    try:
        check_library()
        yield Finding("SQLite", True, f"at least {'.'.join(map(str, SAFE_SQLITE))}")
    except SqliteTooOld as error:
        yield Finding(
            "SQLite", False, f"{error.facts['found']} may corrupt a WAL file; `make install` brings a newer one"
        )
    yield _gpu()
    yield _disk(settings.data)
    yield _file_system(settings.data)
    yield _model()
    yield _strangers_files()


def _gpu() -> Finding:
    found = shutil.which("nvidia-smi")
    if found is None:
        return Finding("GPU", False, "none found: the embedded model is made for that; big models want one", must=False)
    asked = subprocess.run([found, "-L"], capture_output=True, text=True, check=False)  # noqa: S603 - a fixed command
    return Finding("GPU", asked.returncode == 0, asked.stdout.strip() or "nvidia-smi finds none", must=False)


def _existing(path: Path) -> Path:
    return path if path.exists() else _existing(path.absolute().parent)


def _disk(data: Path) -> Finding:
    free = shutil.disk_usage(_existing(data)).free
    return Finding("disk", free > FREE_BYTES, f"{free / 1e9:.0f} GB free (5 GB or more is well)", must=False)


def _file_system(data: Path) -> Finding:
    kind, threat = file_system(data), danger(data)
    words = threat or kind or "unknown here; a local disk is well"
    return Finding("file system", threat is None, words, must=bool(kind))


def _model() -> Finding:
    is_there = packaged_model(EMBEDDED) is not None
    words = "the embedded one is here" if is_there else "the embedded one is not in this image; the engine has its own"
    return Finding("model", is_there, words, must=False)


def _strangers_files() -> Finding:
    """Memory, time and size are limited everywhere; network and writing only where the kernel takes them away."""
    name = "files from others"
    try:
        held = guards()
    except FileRefused as error:
        return Finding(name, False, f"cannot be read in a process of their own: {error.facts['reason']}")
    left = [what for what, gone in (("the network", held.network), ("writing", held.writing)) if not gone]
    if not left:
        return Finding(name, True, "are read in a process of their own, without network and without writing")
    words = f"are read in a process of their own, but this kernel leaves it {' and '.join(left)}"
    return Finding(name, False, f"{words}; Linux 6.7 or newer takes both away", must=False)


async def _of_the_store(settings: Settings) -> AsyncIterator[Finding]:
    if not (settings.data / DATABASE).exists():
        yield Finding("data", True, f"{settings.data} is new and will be made")
        return
    try:
        store = await Store.open(settings.data)
    except StorageError as error:
        yield Finding("data", False, str(error))
        return
    facts, alive = await store.machine.facts(), await store.machine.alive()
    await store.close()
    yield Finding("data", True, str(settings.data))
    words = f"{facts.model.pinned_name} on {facts.device}" if alive and facts else "not running: `python -m engine`"
    yield Finding("engine", alive, words, must=False)
