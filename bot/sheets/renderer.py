"""Has pictures drawn by a process of its own, so that drawing never takes the processor that answers taps.

Knows what a picture is called by what is drawn on it; draws each once while it is fresh. No pixels here.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import sys
from collections import OrderedDict
from collections.abc import Mapping
from contextlib import suppress
from functools import cache
from importlib.metadata import version
from pathlib import Path

from bot.screens import Asset, PictureSource, Sheet
from storage.documents import dump

ROOT = Path(__file__).resolve().parents[2]
LIBRARY = Path(__file__).resolve().parents[1] / "library"
PATIENCE_SECONDS = 30.0  # the largest sheet takes about a second; a busy machine and a cold start some more
TRIES = 2  # a process that was killed in the middle of a picture says nothing about the picture
FRESH = 16  # drawn pictures kept while their first upload is under way: about 4 MB
SECRETS = ("TELEGRAM_BOT_TOKEN", "HF_TOKEN")


class PictureNotDrawn(Exception):
    """This picture cannot be drawn; the words beside it still can be said."""


class _ProcessEnded(Exception):
    """The drawing process ended before its answer."""


class Renderer:
    """Draws pictures of one store's files. `close()` ends its process; a killed bot takes it along."""

    def __init__(self, files: Path, *, patience_seconds: float = PATIENCE_SECONDS, **environment: str) -> None:
        self._files = files.resolve()
        self._patience = patience_seconds
        self._environment = environment
        self._turn = asyncio.Lock()
        self._process: asyncio.subprocess.Process | None = None
        self._under_way: dict[str, asyncio.Task[bytes]] = {}
        self._fresh: OrderedDict[str, bytes] = OrderedDict()

    @property
    def pid(self) -> int | None:
        """Of the drawing process, while there is one."""
        return self._process.pid if self._process else None

    async def draw(self, picture: PictureSource) -> bytes:
        """The picture as JPEG. Whoever asks for the same one meanwhile gets the same bytes. Raises PictureNotDrawn."""
        name = name_of(picture)
        if name in self._fresh:
            return self._fresh[name]
        if name not in self._under_way:
            self._under_way[name] = asyncio.create_task(self._draw(picture))
            self._under_way[name].add_done_callback(lambda task: self._drawn(name, task))
        return await asyncio.shield(self._under_way[name])

    async def close(self) -> None:
        """Ends the process and whatever is still to be drawn."""
        tasks = tuple(self._under_way.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._end()

    async def start(self) -> None:
        """Has the process ready before the first picture is wanted."""
        async with self._turn:
            await self._running()

    def _drawn(self, name: str, task: asyncio.Task[bytes]) -> None:
        self._under_way.pop(name, None)
        if task.cancelled() or task.exception() is not None:
            return
        self._fresh[name] = task.result()
        while len(self._fresh) > FRESH:
            self._fresh.popitem(last=False)

    async def _draw(self, picture: PictureSource) -> bytes:
        request = {"folder": str(self._files), "picture": dump(picture, PictureSource)}
        async with self._turn:
            for _ in range(TRIES):
                try:
                    async with asyncio.timeout(self._patience):
                        return await self._ask(json.dumps(request).encode() + b"\n")
                except (_ProcessEnded, ConnectionError):
                    await self._end()
                except TimeoutError as error:
                    await self._end()
                    raise PictureNotDrawn("it takes too long") from error
                except asyncio.CancelledError:
                    await self._end()  # its answer would be taken for that to the next question
                    raise
            raise PictureNotDrawn("the drawing process died of it")

    async def _ask(self, request: bytes) -> bytes:
        process = await self._running()
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(request)
        await process.stdin.drain()
        head = await process.stdout.readline()
        if not head.endswith(b"\n"):
            raise _ProcessEnded
        answer = json.loads(head)
        if "failed" in answer:
            raise PictureNotDrawn(answer["failed"])
        try:
            return await process.stdout.readexactly(answer["bytes"])
        except asyncio.IncompleteReadError as error:
            raise _ProcessEnded from error

    async def _running(self) -> asyncio.subprocess.Process:
        if self._process is None or self._process.returncode is not None:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "bot.sheets.drawing_process",
                cwd=ROOT,
                env=_without_secrets(os.environ) | self._environment,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
            )
        return self._process

    async def _end(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        with suppress(ProcessLookupError):
            process.kill()  # it owns nothing but the picture in its hands
        await process.wait()


def name_of(picture: PictureSource) -> str:
    """A name that changes with everything that is drawn: words, files, assets, and the code that draws."""
    parts = [drawing_version(), dump(picture, PictureSource), *(asset_hash(path) for path in assets_of(picture))]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def is_everybodys(picture: PictureSource) -> bool:
    """Whether nothing of a person is on it: it ships with the bot."""
    if isinstance(picture, Sheet):
        return all(cell.file is None for cell in picture.cells)
    return isinstance(picture, Asset)


def assets_of(picture: PictureSource) -> tuple[str, ...]:
    """Paths below bot/library of what ships with the bot."""
    if isinstance(picture, Sheet):
        return tuple(cell.asset for cell in picture.cells if cell.asset)
    return (picture.path,) if isinstance(picture, Asset) else ()


@cache
def asset_hash(path: str) -> str:
    """Of an asset's bytes, as they are while this process lives; nothing when it is not there."""
    file = LIBRARY / path
    return hashlib.sha256(file.read_bytes()).hexdigest() if file.exists() else ""


@cache
def drawing_version() -> str:
    """Of everything that decides how a picture looks: our code and letters, and the libraries that draw."""
    found = hashlib.sha256(f"{version('pillow')} {version('matplotlib')}".encode())
    for path in sorted(Path(__file__).parent.rglob("*")):
        if path.suffix in (".py", ".ttf"):
            found.update(path.read_bytes())
    return found.hexdigest()


def _without_secrets(environment: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in environment.items() if name not in SECRETS}
