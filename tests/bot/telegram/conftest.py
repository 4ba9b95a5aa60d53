"""A store, a rehearsal chat over real HTTP, and the delivery that writes into it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from telegram import Bot

from bot.settings import Settings
from bot.telegram.app import TelegramBot
from bot.telegram.delivery import Delivery
from bot.telegram.request import calling
from rehearsal.world import World
from storage.store import Store
from tests.bot.telegram.phone import TOKEN, Phone, served
from tests.waiting import until


@pytest.fixture
def world(tmp_path: Path) -> World:
    """A rehearsal with nobody in it."""
    return World(tmp_path / "rehearsal")


@pytest.fixture
async def address(world: World) -> AsyncIterator[str]:
    """Where the rehearsal's Bot API is."""
    async with served(world) as found:
        yield found


@pytest.fixture
def anna(world: World) -> Phone:
    """Somebody who has started the bot."""
    person = world.add_person("Anna", "en")
    person.started = True
    return Phone(world, person)


@pytest.fixture
def boris(world: World) -> Phone:
    """Somebody else."""
    person = world.add_person("Boris", "ru")
    person.started = True
    return Phone(world, person)


@asynccontextmanager
async def delivering(store: Store, address: str) -> AsyncIterator[Delivery]:
    """Delivery at work; when it ends, it ends as by a kill: nothing is finished."""
    request = calling(httpx_kwargs={"trust_env": False})
    bot = Bot(TOKEN, base_url=f"{address}/bot", base_file_url=f"{address}/file/bot", request=request)
    async with bot:
        delivery = Delivery(bot, store)
        task = asyncio.create_task(delivery.run())
        try:
            yield delivery
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


@pytest.fixture
async def delivery(store: Store, address: str) -> AsyncIterator[Delivery]:
    """Delivery at work for the whole test."""
    async with delivering(store, address) as found:
        yield found


@asynccontextmanager
async def talking(store: Store, address: str, admins: frozenset[int] = frozenset()) -> AsyncIterator[TelegramBot]:
    """The whole bot at work over that store."""
    settings = Settings(_env_file=None, TELEGRAM_API_URL=address, data=store.folder, admins=admins)  # type: ignore[call-arg]
    bot = TelegramBot(settings, store, TOKEN)
    running = asyncio.create_task(bot.run())
    try:
        yield bot
    finally:
        bot.stop()
        await running


@pytest.fixture
async def bot(store: Store, address: str, anna: Phone) -> AsyncIterator[TelegramBot]:
    """The whole bot at work, already polling; Anna is its admin."""
    async with talking(store, address, frozenset({anna.person.id})) as found:
        await until(lambda: any(call["method"] == "deleteWebhook" for call in anna.world.calls))
        yield found
