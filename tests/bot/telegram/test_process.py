"""The bot as a process of its own: killed between update and message, watched for its token, run twice."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from bot.telegram.app import REFUSED, SECOND_SIGNAL
from rehearsal.faults import Fault
from tests.bot.telegram.phone import TOKEN, Phone
from tests.waiting import until

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[3]
KILLED = 137
START_SECONDS = 30.0


class Process:
    """`python -m bot` and what it wrote."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self.output = b""
        self.reading = asyncio.create_task(self._read())

    async def _read(self) -> None:
        assert self.process.stdout is not None
        while chunk := await self.process.stdout.read(65536):
            self.output += chunk

    async def ends(self) -> int:
        """Waits for its exit code."""
        async with asyncio.timeout(START_SECONDS):
            code = await self.process.wait()
            await self.reading
        return code

    async def stops_within(self, seconds: float) -> int:
        """Asks it to end, and does not wait for longer."""
        self.process.terminate()
        async with asyncio.timeout(seconds):
            return await self.process.wait()

    async def stops(self) -> int:
        """Asks it to end."""
        if self.process.returncode is None:
            self.process.terminate()
        return await self.ends()


@asynccontextmanager
async def started(address: str, data: Path, **environment: str) -> AsyncIterator[Process]:
    """The bot as a process, for as long as the block lasts."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("TELEGRAM_", "STYLESEAL_"))}
    mine = {"TELEGRAM_BOT_TOKEN": TOKEN, "TELEGRAM_API_URL": address, "STYLESEAL_DATA": str(data), **environment}
    process = Process(
        await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "bot",
            cwd=ROOT,
            env={**clean, **mine},
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
    )
    try:
        yield process
    finally:
        await process.stops()


@pytest.mark.parametrize("failpoint", ["commit", "send"])
async def test_a_bot_that_dies_anywhere_loses_nothing_and_says_nothing_twice(
    failpoint: str, address: str, anna: Phone, tmp_path: Path
) -> None:
    """Dies at the n-th commit or send, n growing until one life is long enough to answer; thinned to fit CI."""
    deaths, died, count = 0, True, 2
    while died:
        died = await dies_and_comes_back(f"{failpoint}:{count}", address, anna, tmp_path / f"{failpoint}-{count}")
        deaths += died
        count += 3 if failpoint == "commit" else 5
    assert deaths >= 2, "the failpoint was reached"


async def dies_and_comes_back(failpoint: str, address: str, anna: Phone, data: Path) -> bool:
    """Anna writes twice over a death of the bot and gets two answers; whether it died."""
    before = len(anna.sees())
    anna.says("/start")
    async with started(address, data, STYLESEAL_FAILPOINT=failpoint) as doomed:
        ended = asyncio.create_task(doomed.ends())
        await until(lambda: ended.done() or len(anna.sees()) > before, START_SECONDS)
        await asyncio.wait({ended}, timeout=1.0)  # what comes after the message may kill it too
        died = ended.done() and ended.result() == KILLED
        ended.cancel()
    async with started(address, data):
        await until(lambda: len(anna.sees()) > before, START_SECONDS)
        anna.says("/help")
        await until(lambda: len(anna.sees()) > before + 1, START_SECONDS)
    assert len(anna.sees()) == before + 2, f"{failpoint}: {anna.reads()[before:]}"
    return died


async def test_the_token_is_in_no_log_no_database_and_no_message(address: str, anna: Phone, tmp_path: Path) -> None:
    data = tmp_path / "data"
    async with started(address, data, STYLESEAL_LOG_LEVEL="DEBUG") as bot:
        anna.says("/start")
        await anna.presses(await anna.finds("quest.new", seconds=START_SECONDS))
        await until(lambda: anna.offers("style.kind"))
        assert await bot.stops() == 0
        assert b"talking" in bot.output
        assert str(anna.person.id).encode() not in bot.output
        secret = TOKEN.encode()
        for held in (secret, secret.partition(b":")[2]):
            assert held not in bot.output
            for path in (path for path in data.rglob("*") if path.is_file()):
                assert held not in path.read_bytes(), path.name
            assert held.decode() not in "".join(anna.reads())


async def test_a_second_bot_with_the_same_token_ends_with_a_sentence(address: str, anna: Phone, tmp_path: Path) -> None:
    async with started(address, tmp_path / "one") as first:
        anna.says("/start")
        await until(lambda: anna.offers("quest.new"), START_SECONDS)
        async with started(address, tmp_path / "two") as second:
            assert await second.ends() == REFUSED
            assert b"another bot polls with this token" in second.output
        anna.says("/help")
        await until(lambda: len(anna.sees()) == 2, START_SECONDS)
        assert first.process.returncode is None


async def test_a_server_that_is_not_there_yet_is_waited_for(anna: Phone, tmp_path: Path, address: str) -> None:
    async with started("http://127.0.0.1:9", tmp_path / "data") as waiting:
        await until(lambda: b"does not answer yet" in waiting.output, START_SECONDS)
        assert waiting.process.returncode is None
        assert await waiting.stops() == 0


async def test_a_bot_that_is_asked_to_end_while_many_tap_ends_soon_and_loses_nothing(
    address: str, anna: Phone, tmp_path: Path
) -> None:
    crowd = [anna, *(Phone(anna.world, anna.world.add_person(f"Guest {number}", "en")) for number in range(150))]
    for phone in crowd:
        phone.person.started = True
    async with started(address, tmp_path) as bot:
        anna.says("/start")
        await until(lambda: len(anna.sees()) == 1, START_SECONDS)
        for phone in crowd:
            phone.says("/help")
        await until(lambda: len(anna.sees()) == 2, START_SECONDS)
        assert await bot.stops_within(8.0) == 0
    unanswered = [phone for phone in crowd[1:] if not phone.sees()]
    assert unanswered, "it ended in the midst of them"
    async with started(address, tmp_path):
        await until(lambda: all(phone.sees() for phone in crowd), START_SECONDS)
    assert [len(phone.sees()) for phone in crowd[1:]] == [1] * 150


async def test_a_second_signal_ends_the_bot_at_once(address: str, anna: Phone, tmp_path: Path) -> None:
    async with started(address, tmp_path) as bot:
        anna.says("/start")
        await until(lambda: len(anna.sees()) == 1, START_SECONDS)
        anna.weather(Fault("getUpdates", delay=60.0, times=9))
        bot.process.terminate()
        await until(lambda: any(fault.times < 9 for fault in anna.world.weather.faults), START_SECONDS)
        assert await bot.stops_within(2.0) == SECOND_SIGNAL
