"""The HTTP side of the Bot API: `/bot<token>/<method>` and `/file/bot<token>/<path>`. Never keeps or prints a token."""

from __future__ import annotations

import asyncio
import secrets
from typing import Any

from starlette.requests import ClientDisconnect, Request
from starlette.responses import FileResponse, HTMLResponse, JSONResponse, Response
from starlette.types import Receive, Scope, Send

from rehearsal import schema
from rehearsal.faults import Fault
from rehearsal.methods import BY_LOWER_NAME, METHODS
from rehearsal.methods.sending import weight_of
from rehearsal.refusals import Refusal
from rehearsal.request import Call, read_call
from rehearsal.world import World

UNAUTHORIZED = Refusal(401, "Unauthorized")
KEPT_CALLS = 5000  # the log of calls is for tests; a long rehearsal must not grow without end


class Dropped(Response):
    """An answer that never comes: the connection ends in the middle."""

    async def __call__(self, _scope: Scope, _receive: Receive, send: Send) -> None:
        """Promises ten bytes and ends without them; uvicorn then closes the connection."""
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"10")]})


def is_from_the_bot(request: Request) -> bool:
    """Whether the path holds the token of this data folder."""
    token: str = request.app.state.token
    return secrets.compare_digest(request.path_params["token"].encode(), token.encode())


def refused(refusal: Refusal) -> JSONResponse:
    """The refusal as HTTP."""
    headers = {name.replace("_", "-").title(): str(value) for name, value in refusal.parameters.items()
               if name == "retry_after"}  # fmt: skip
    return JSONResponse(refusal.answer(), refusal.status, headers)


def chat_of(call: Call) -> int | None:
    """The chat a call speaks of, if it names one by number."""
    try:
        return int(call.arguments["chat_id"])
    except (KeyError, TypeError, ValueError):
        return None


async def serve_method(request: Request) -> Response:
    """One Bot API call."""
    world: World = request.app.state.world
    name = BY_LOWER_NAME.get(request.path_params["method"].lower(), "")
    if not is_from_the_bot(request):
        return refused(UNAUTHORIZED)
    if not name:
        note(world, request.path_params["method"], None, 404, "Not Found: method not found")
        return refused(Refusal(404, "Not Found: method not found"))
    try:
        call = await read_call(request, name)
    except Refusal as refusal:
        note(world, name, None, refusal.status, refusal.description)
        return refused(refusal)
    except ClientDisconnect:  # a bot that ended in the middle of its call; nothing was asked
        note(world, name, None, 0, "cut off")
        return Dropped()
    return await with_faults(world, call)


async def with_faults(world: World, call: Call) -> Response:
    """The call in the weather of the day."""
    fault = world.weather.next_fault(call.method.lower(), chat_of(call)) or Fault("", times=0)
    if fault.delay:
        await asyncio.sleep(fault.delay)
    if fault.drop == "before":
        note(world, call.method, chat_of(call), 0, "dropped before")
        return Dropped()
    response = refuse_by(world, fault, call) or await answered(world, call)
    return Dropped() if fault.drop == "after" else response


def refuse_by(world: World, fault: Fault, call: Call) -> Response | None:
    """The error that a fault orders."""
    if fault.page:
        note(world, call.method, chat_of(call), fault.code or 200, "a proxy's page")
        return HTMLResponse(fault.page, fault.code or 200)
    refusal = fault.refusal()
    if refusal is None:
        return None
    note(world, call.method, chat_of(call), refusal.status, refusal.description)
    return refused(refusal)


async def answered(world: World, call: Call) -> Response:
    """Checks the call, does it, answers."""
    try:
        arguments = schema.checked(call.method, call)
        world.weather.spend(call.method.lower(), chat_of(call), weight_of(call.method, arguments))
        result: Any = await METHODS[call.method](world, arguments, call.uploads)
    except Refusal as refusal:
        note(world, call.method, chat_of(call), refusal.status, refusal.description)
        return refused(refusal)
    note(world, call.method, chat_of(call), 200, "")
    return JSONResponse({"ok": True, "result": result})


def note(world: World, method: str, chat: int | None, status: int, error: str) -> None:
    """A line in the log of calls: never arguments, never the token."""
    world.calls.append({"method": method, "chat": chat, "status": status, "error": error, "at": world.clock()})
    del world.calls[:-KEPT_CALLS]


async def serve_file(request: Request) -> Response:
    """The bytes behind a `file_path` of getFile."""
    world: World = request.app.state.world
    if not is_from_the_bot(request):
        return refused(UNAUTHORIZED)
    file = world.files.at_path(request.path_params["path"])
    if file is None:
        return refused(Refusal(404, "Not Found"))
    return FileResponse(world.files.path(file), media_type=file.mime or "image/jpeg")
