"""A rehearsal chat inside the test's own process, and a person's phone in it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from starlette.applications import Starlette
from starlette.routing import Route

from launch.person import Seen, is_of
from rehearsal import answers
from rehearsal.faults import Fault
from rehearsal.records import BOT, Message, Person, TapRecord
from rehearsal.wire import serve_file, serve_method
from rehearsal.world import World
from tests.rehearsal.serving import serving
from tests.waiting import PATIENCE_SECONDS, until

TOKEN = "7654321:AAE-known_token_of_these_tests"


@dataclass
class Phone:
    """One person's private chat with the bot."""

    world: World
    person: Person

    @property
    def chat(self) -> int:
        """The private chat's id."""
        return self.person.id

    def says(self, text: str) -> None:
        """Writes to the bot."""
        self.world.hear(self.world.drafted(self.chat, self.person.id, text=text))

    def starts_pressing(self, button: Seen) -> TapRecord:
        """Taps exactly this button, and does not wait for the answer."""
        tap = self.world.taps.press(self.person.id, self.chat, button.message_id, button.data)
        self.world.updates.add("callback_query", answers.callback_query(self.world, tap))
        return tap

    async def presses(self, button: Seen) -> TapRecord:
        """Taps exactly this button and waits for the answer."""
        tap = self.starts_pressing(button)
        await until(lambda: tap.answered_at is not None)
        return tap

    async def taps(self, verb: str, *args: str) -> TapRecord:
        """Finds the newest button of this verb and taps it."""
        return await self.presses(await self.finds(verb, *args))

    async def finds(self, verb: str, *args: str, seconds: float = PATIENCE_SECONDS) -> Seen:
        """The newest button of this verb (and first arguments), as soon as there is one."""
        return await until(lambda: next((b for b in self.buttons() if is_of(b.data, verb, *args)), None), seconds)

    async def starts(self) -> None:
        """Writes /start and waits for the way to begin."""
        self.says("/start")
        await self.finds("quest.new")

    def offers(self, verb: str, *args: str) -> bool:
        """Whether there is such a button."""
        return any(is_of(button.data, verb, *args) for button in self.buttons())

    def verbs(self) -> set[str]:
        """The verbs of all buttons in the chat."""
        return {button.data.partition(":")[0] for button in self.buttons()}

    def blocks(self, blocked: bool = True) -> None:
        """Stops hearing the bot, or hears it again."""
        self.world.set_blocked(self.person, blocked)

    def sees(self) -> list[Message]:
        """The bot's messages, oldest first."""
        messages = self.world.messages[self.chat].values()
        return [message for message in messages if message.sender == BOT and not message.is_service]

    def reads(self) -> list[str]:
        """The words of the bot's messages, oldest first."""
        return [message.text or message.caption or "" for message in self.sees()]

    def buttons(self) -> Iterator[Seen]:
        """All buttons in the chat, those of the newest message first."""
        for message in reversed(self.sees()):
            for row in (message.reply_markup or {}).get("inline_keyboard", []):
                for button in row:
                    if data := button.get("callback_data"):
                        yield Seen(message.message_id, data, button["text"])

    def weather(self, fault: Fault) -> None:
        """What goes wrong next."""
        self.world.weather.faults.append(fault)

    def calls(self, method: str) -> list[int]:
        """Statuses of this method's calls in this chat, in order; 0 for one dropped before it was done."""
        called = [call for call in self.world.calls if call["method"] == method]
        return [call["status"] for call in called if call["chat"] == self.chat]


@asynccontextmanager
async def served(world: World) -> AsyncIterator[str]:
    """The Bot API of that world over real HTTP on a free port of 127.0.0.1; gives its address."""
    routes = [
        Route("/bot{token}/{method}", serve_method, methods=["POST"]),
        Route("/file/bot{token}/{path:path}", serve_file),
    ]
    app = Starlette(routes=routes)
    app.state.world, app.state.token = world, TOKEN
    async with serving(app, lifespan="off") as address:
        try:
            yield address
        finally:
            world.updates.close()
