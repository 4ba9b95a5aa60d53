"""People who tap in the stand-in for Telegram: a circle of screens that needs no engine, each tap timed.

The stand-in lives in this process, the bot in another one; nothing here knows which bot that is.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.routing import Route

from bench.crowd.processes import TOKEN
from rehearsal import answers
from rehearsal.records import BOT, Message, Person, TapRecord
from rehearsal.wire import serve_file, serve_method
from rehearsal.world import World

LANGUAGES = ("en", "ru", "ko")
BETWEEN_TAPS_SECONDS = 4.0
LOOK_SECONDS = 0.005  # how exactly the crowd keeps its times
# Verbs in order, each with which of its buttons: pages of looks, a look, its card, a trigger, and all the way back.
ARRIVAL = (("quest.new", 0),)
CIRCLE = (
    ("style.kind", 0),
    ("style.page", -1),
    ("style.page", -1),
    ("style.preset", 0),
    ("style.ok", 0),
    ("trigger.use", 1),
    ("trigger.ok", 0),
    ("nav.back", 0),
    ("nav.back", 0),
    ("nav.back", 0),
    ("nav.back", 0),
)


@dataclass
class Timing:
    """One tap: when it was pressed, and when its answer and its screen were there (unix seconds)."""

    pressed: float
    tap: TapRecord | None = None
    shown: float | None = None

    @property
    def answered(self) -> float | None:
        """When the tap was answered; a text needs no answer."""
        return self.tap.answered_at if self.tap else self.pressed

    @property
    def is_over(self) -> bool:
        """Whether answer and screen are there."""
        return self.shown is not None and self.answered is not None

    def answer_seconds(self, now: float) -> float:
        """Until the answer; until now, when none came yet."""
        return (self.answered or now) - self.pressed

    def screen_seconds(self, now: float) -> float:
        """Until the screen; until now, when none came yet."""
        return (self.shown or now) - self.pressed


@dataclass
class Guest:
    """Somebody who taps through the circle."""

    person: Person
    step: int = -1  # of arrival and circle; -1 before /start
    screen: Message | None = None  # the newest message with buttons
    current: Timing | None = None
    timings: list[Timing] = field(default_factory=list)

    def is_free(self, now: float) -> bool:
        """Whether the last tap is over and they have looked at the screen long enough."""
        return self.current is None or (self.current.is_over and now - self.current.pressed >= BETWEEN_TAPS_SECONDS)


class Crowd(World):
    """The stand-in's world with a stop-watch for every guest."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.guests: dict[int, Guest] = {}

    def arrives(self, language: str = "") -> Guest:
        """Somebody new; says nothing yet."""
        number = len(self.guests)
        guest = Guest(self.add_person(f"Guest {number}", language or LANGUAGES[number % len(LANGUAGES)]))
        self.guests[guest.person.id] = guest
        return guest

    def acts(self, guest: Guest) -> Timing:
        """Does the next thing: writes /start at first, then taps round the circle."""
        guest.step += 1
        guest.current = Timing(time.time())
        guest.timings.append(guest.current)
        if guest.step == 0:
            self.writes(guest, "/start")
            return guest.current
        assert guest.screen is not None
        verb, which = act_at(guest.step)
        data = buttons(guest.screen, verb)[which]
        tap = self.taps.press(guest.person.id, guest.person.id, guest.screen.message_id, data)
        guest.current.tap = tap
        self.updates.add("callback_query", answers.callback_query(self, tap))
        return guest.current

    def writes(self, guest: Guest, text: str) -> None:
        """A text of a guest."""
        self.hear(self.drafted(guest.person.id, guest.person.id, text=text))

    def tell_message(
        self,
        kind: str,  # noqa: ARG002 - new or edited, it is seen
        message: Message,
    ) -> None:
        """Stops the watch of whoever sees a screen; nobody else listens here."""
        guest = self.guests.get(message.chat_id)
        if guest is None or message.sender != BOT or not (message.reply_markup or {}).get("inline_keyboard"):
            return
        guest.screen = message
        if guest.current is not None and guest.current.shown is None:
            guest.current.shown = time.time()

    def tell(self, kind: str, **facts: Any) -> None:
        """Nobody else listens, and nothing is kept for another day."""


def act_at(step: int) -> tuple[str, int]:
    """The verb of a step, and which of its buttons."""
    if step <= len(ARRIVAL):
        return ARRIVAL[step - 1]
    return CIRCLE[(step - 1 - len(ARRIVAL)) % len(CIRCLE)]


def buttons(message: Message, verb: str) -> list[str]:
    """The data of a message's buttons of this verb, in order."""
    rows: Sequence[Sequence[dict[str, Any]]] = (message.reply_markup or {}).get("inline_keyboard", [])
    found = [str(button.get("callback_data", "")) for row in rows for button in row]
    return [data for data in found if data.split(":")[0] == verb]


@asynccontextmanager
async def served(world: World) -> AsyncIterator[str]:
    """The Bot API of this world over HTTP on a free port of 127.0.0.1; gives its address."""
    routes = [
        Route("/bot{token}/{method}", serve_method, methods=["POST"]),
        Route("/file/bot{token}/{path:path}", serve_file),
    ]
    app = Starlette(routes=routes)
    app.state.world = world
    app.state.token = TOKEN
    config = uvicorn.Config(app, port=0, log_level="error", lifespan="off", timeout_graceful_shutdown=1)
    server = uvicorn.Server(config)
    server.install_signal_handlers = lambda: None  # type: ignore[attr-defined,unused-ignore]
    serving = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(LOOK_SECONDS)
    try:
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        world.updates.close()
        server.should_exit = True
        await serving
