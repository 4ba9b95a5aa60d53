"""The rehearsal served over real HTTP, with python-telegram-bot on one side and a person on the other."""

from __future__ import annotations

import io
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
from PIL import Image
from telegram import Bot, Message, TelegramObject, Update
from telegram.request import HTTPXRequest

from rehearsal.server import build_app
from rehearsal.world import World
from tests.clock import Clock
from tests.rehearsal.serving import serving

os.environ.setdefault("PTB_TIMEDELTA", "true")  # as bot.telegram has it
TOKEN = "123456:AAE-a_token_that_nobody_may_keep"


@dataclass
class Stage:
    """A running rehearsal."""

    world: World
    address: str
    http: httpx.AsyncClient
    bots: list[Bot] = field(default_factory=list)

    async def bot(self, token: str = TOKEN) -> Bot:
        """A bot that was initialised over the wire."""
        quiet = {"trust_env": False}
        made = Bot(
            token,
            base_url=f"{self.address}/bot",
            base_file_url=f"{self.address}/file/bot",
            request=HTTPXRequest(httpx_kwargs=quiet),
            get_updates_request=HTTPXRequest(httpx_kwargs=quiet),
        )
        self.bots.append(made)
        await made.initialize()
        return made

    async def person(self, name: str = "Anna", language_code: str = "en") -> int:
        """Somebody new who has pressed Start; returns the id, which is also the chat's."""
        body = {"name": name, "language_code": language_code}
        found: int = (await self.post("/sim/people", body))["id"]
        await self.says(found, "/start")
        return found

    async def post(self, path: str, body: dict[str, Any]) -> Any:
        return (await self.http.post(path, json=body)).raise_for_status().json()

    async def get(self, path: str, **params: Any) -> Any:
        return (await self.http.get(path, params=params)).raise_for_status().json()

    async def says(self, person: int, text: str, chat: int | None = None) -> int:
        body = {"user": person, "chat": chat or person, "text": text}
        number: int = (await self.post("/sim/send", body))["message_id"]
        return number

    async def taps(self, person: int, message: Message, data: str) -> str:
        body = {"user": person, "chat": message.chat.id, "message_id": message.message_id, "data": data}
        number: str = (await self.post("/sim/tap", body))["id"]
        return number

    async def sees(self, person: int, chat: int | None = None) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = await self.get(f"/sim/chats/{chat or person}/messages", user=person)
        return found


@asynccontextmanager
async def playing(folder: Path, clock: Clock | None = None, *, control: bool = True) -> AsyncIterator[Stage]:
    """A rehearsal on a free port, until the block ends; it is then stopped in order."""
    world = World(folder, clock.unix) if clock else World(folder)
    async with (
        serving(build_app(world, token=TOKEN, control_open=control)) as address,
        httpx.AsyncClient(base_url=address, trust_env=False) as http,
    ):
        stage = Stage(world, address, http)
        try:
            yield stage
        finally:
            for bot in stage.bots:
                await bot.shutdown()
            world.events.close()
            world.updates.close()


def picture(width: int = 400, height: int = 300, colour: str = "teal", kind: str = "PNG", **extra: Any) -> bytes:
    """The bytes of a one-coloured picture."""
    buffer = io.BytesIO()
    Image.new("RGB", (width, height), colour).save(buffer, kind, **extra)
    return buffer.getvalue()


async def news(bot: Bot, offset: int = 0) -> list[Update]:
    """What the bot has not confirmed."""
    return list(await bot.get_updates(offset=offset, timeout=1, allowed_updates=Update.ALL_TYPES))


def leftovers(answer: Any, path: str = "answer") -> list[str]:
    """Fields that python-telegram-bot does not know, anywhere in an answer: each is a misspelling of ours."""
    if isinstance(answer, list | tuple):
        return [found for one in answer for found in leftovers(one, path)]
    if not isinstance(answer, TelegramObject):
        return []
    found = [f"{path}.{name}" for name in answer.api_kwargs]
    for name in (name for cls in type(answer).__mro__ for name in getattr(cls, "__slots__", ())):
        if not name.startswith("_"):
            found += leftovers(getattr(answer, name, None), f"{path}.{name}")
    return found
