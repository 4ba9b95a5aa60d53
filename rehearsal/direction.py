"""/sim for directors: faults, blocks, buckets, repeats, call log, migration, reset. Open only with --control."""

from __future__ import annotations

from dataclasses import asdict

from pydantic.dataclasses import dataclass
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from rehearsal.control import read, there, world_of
from rehearsal.faults import Fault
from rehearsal.records import Standing


@dataclass
class Blocked:
    """POST /sim/block."""

    user: int
    blocked: bool = True


@dataclass
class Switch:
    """POST /sim/buckets."""

    on: bool


@dataclass
class Repeat:
    """POST /sim/repeat."""

    count: int


@dataclass
class GroupOf:
    """POST /sim/migrate and /sim/kick."""

    chat: int


async def faults(request: Request) -> Response:
    """Orders a fault; DELETE takes all back."""
    weather = world_of(request).weather
    if request.method == "DELETE":
        weather.faults = []
    elif request.method == "POST":
        weather.faults.append(await read(request, Fault))
    return JSONResponse([asdict(fault) for fault in weather.faults])


async def block(request: Request) -> Response:
    """A person blocks the bot, or opens it again."""
    asked = await read(request, Blocked)
    world = world_of(request)
    person, _ = there(world, asked.user, asked.user)
    world.set_blocked(person, asked.blocked)
    return JSONResponse({"blocked": person.blocked})


async def buckets(request: Request) -> Response:
    """Flood limits on or off."""
    weather = world_of(request).weather
    weather.buckets_on = (await read(request, Switch)).on
    return JSONResponse({"on": weather.buckets_on})


async def migrate(request: Request) -> Response:
    """A group becomes a supergroup."""
    world = world_of(request)
    new = world.migrate(world.chats[(await read(request, GroupOf)).chat])
    return JSONResponse({"id": new.id})


async def kick(request: Request) -> Response:
    """A group throws the bot out."""
    world = world_of(request)
    world.chats[(await read(request, GroupOf)).chat].bot = Standing.KICKED
    return JSONResponse({"ok": True})


async def repeat(request: Request) -> Response:
    """The last confirmed updates are delivered once more."""
    return JSONResponse({"repeated": world_of(request).updates.repeat((await read(request, Repeat)).count)})


async def calls(request: Request) -> Response:
    """What the bot called, oldest first."""
    return JSONResponse(world_of(request).calls)


async def reset(request: Request) -> Response:
    """Everything is forgotten but the numbers; the first three people are there again."""
    world = world_of(request)
    world.clear()
    world.populate()
    return JSONResponse({"ok": True})


ROUTES = [
    Route("/sim/faults", faults, methods=["GET", "POST", "DELETE"]),
    Route("/sim/block", block, methods=["POST"]),
    Route("/sim/buckets", buckets, methods=["POST"]),
    Route("/sim/migrate", migrate, methods=["POST"]),
    Route("/sim/kick", kick, methods=["POST"]),
    Route("/sim/repeat", repeat, methods=["POST"]),
    Route("/sim/calls", calls),
    Route("/sim/reset", reset, methods=["POST"]),
]
