"""Pictures are drawn by a process of its own: once a content, over its death, and never longer than the bot lives."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image

from bot.screens import Asset, Cell, Sheet, Shown
from bot.sheets.renderer import ROOT, PictureNotDrawn, Renderer, is_everybodys, name_of
from storage.files import FileFolder
from storage.records import ContentHash
from tests.waiting import until

LOOKS = Asset(path="looks/neon-sign.png")
SOON_SECONDS = 20.0


@pytest.fixture
async def renderer(tmp_path: Path) -> AsyncIterator[Renderer]:
    """A renderer over an empty folder."""
    made = Renderer(tmp_path)
    yield made
    await made.close()


def stored(folder: Path, colour: str) -> Shown:
    """A picture of a person's."""
    target = BytesIO()
    Image.new("RGB", (64, 64), colour).save(target, "PNG")
    return Shown(file=FileFolder(folder).write(target.getvalue()))


async def test_a_picture_is_drawn_as_jpeg(renderer: Renderer) -> None:
    data = await renderer.draw(LOOKS)
    assert Image.open(BytesIO(data)).format == "JPEG"


async def test_whoever_asks_for_the_same_picture_meanwhile_shares_it(renderer: Renderer) -> None:
    first, second = await asyncio.gather(renderer.draw(LOOKS), renderer.draw(LOOKS))
    assert first is second
    assert await renderer.draw(LOOKS) is first, "and shortly afterwards too"


async def test_a_renderer_that_was_killed_is_replaced(renderer: Renderer, tmp_path: Path) -> None:
    await renderer.draw(stored(tmp_path, "red"))
    killed = renderer.pid
    assert killed is not None
    os.kill(killed, signal.SIGKILL)
    await renderer.draw(stored(tmp_path, "blue"))
    assert renderer.pid not in (None, killed)


async def test_a_picture_that_kills_its_renderer_twice_is_given_up(tmp_path: Path) -> None:
    renderer = Renderer(tmp_path, STYLESEAL_FAILPOINT="draw:2")  # each process dies in the middle of its second picture
    try:
        await renderer.draw(stored(tmp_path, "red"))
        assert await renderer.draw(stored(tmp_path, "blue")), "a second process draws it as its first"
    finally:
        await renderer.close()
    doomed = Renderer(tmp_path, STYLESEAL_FAILPOINT="draw:1")
    try:
        with pytest.raises(PictureNotDrawn):
            await doomed.draw(LOOKS)
    finally:
        await doomed.close()


async def test_a_renderer_that_hangs_is_ended(tmp_path: Path) -> None:
    renderer = Renderer(tmp_path, patience_seconds=0.05)
    try:
        await renderer.start()
        hung = renderer.pid
        assert hung is not None
        os.kill(hung, signal.SIGSTOP)
        with pytest.raises(PictureNotDrawn, match="too long"):
            await renderer.draw(LOOKS)
        assert renderer.pid is None, "the next picture gets another one"
        assert not is_alive(hung)
    finally:
        await renderer.close()


async def test_a_picture_whose_file_is_gone_is_refused_and_the_process_goes_on(renderer: Renderer) -> None:
    with pytest.raises(PictureNotDrawn, match="FileMissing"):
        await renderer.draw(Shown(file=ContentHash("0" * 64)))
    drawing = renderer.pid
    await renderer.draw(LOOKS)
    assert renderer.pid == drawing


async def test_the_renderer_ends_with_a_bot_that_is_killed(tmp_path: Path) -> None:
    script = (
        "import asyncio, sys, pathlib\n"
        "from bot.sheets.renderer import Renderer\n"
        "async def main():\n"
        "    renderer = Renderer(pathlib.Path(sys.argv[1])); await renderer.start()\n"
        "    print(renderer.pid, flush=True); await asyncio.Event().wait()\n"
        "asyncio.run(main())\n"
    )
    bot = await asyncio.create_subprocess_exec(
        sys.executable, "-c", script, str(tmp_path), cwd=ROOT, stdout=asyncio.subprocess.PIPE
    )
    assert bot.stdout is not None
    pid = int(await bot.stdout.readline())
    bot.kill()
    await bot.wait()
    await until(lambda: not is_alive(pid), SOON_SECONDS)


def is_alive(pid: int) -> bool:
    """Whether the process runs; one that only waits to be buried does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_the_name_of_a_picture_changes_with_what_is_drawn(tmp_path: Path) -> None:
    cells = (Cell(asset="looks/neon-sign.png", label="1"),)
    names = {
        name_of(Sheet(cells=cells, columns=1)),
        name_of(Sheet(cells=cells, columns=1, row_labels=("a",))),
        name_of(Sheet(cells=cells, columns=1, row_labels=("ㅏ",))),
        name_of(LOOKS),
    }
    assert len(names) == 4
    assert name_of(LOOKS) == name_of(Asset(path=LOOKS.path))


def test_only_what_ships_with_the_bot_is_everybodys() -> None:
    own = Cell(file=ContentHash("0" * 64))
    assert is_everybodys(LOOKS)
    assert is_everybodys(Sheet(cells=(Cell(asset="looks/neon-sign.png"),), columns=1))
    assert not is_everybodys(Sheet(cells=(Cell(asset="looks/neon-sign.png"), own), columns=2))
    assert not is_everybodys(Shown(file=ContentHash("0" * 64)))
