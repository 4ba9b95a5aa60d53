"""Builds the rehearsal as one Starlette application: Bot API, control API, page. The only place that wires them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from rehearsal import control, direction
from rehearsal.doors import Doors, cookie_for, page_key
from rehearsal.refusals import Refusal
from rehearsal.snapshot import keep_saving, restore
from rehearsal.wire import refused, serve_file, serve_method
from rehearsal.world import World

PAGE = Path(__file__).parent / "page"
ONLY_FROM_HERE = (
    "default-src 'self'; img-src 'self' blob: data:; style-src 'self' 'unsafe-inline'; object-src 'none'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


async def index(request: Request) -> Response:
    """The page itself, with the cookie that opens /sim for it."""
    headers = {"content-security-policy": ONLY_FROM_HERE, "cache-control": "no-store", **cookie_for(request)}
    return FileResponse(PAGE / "index.html", headers=headers)


async def not_found(_request: Request, _error: Exception) -> Response:
    """In Telegram's words."""
    return refused(Refusal(404, "Not Found"))


async def explained(_request: Request, error: Exception) -> Response:
    """An error of the control API as JSON."""
    assert isinstance(error, HTTPException)
    if error.status_code == 404 and error.detail == "Not Found":
        return await not_found(_request, error)
    return JSONResponse({"error": error.detail}, error.status_code)


def build_app(world: World, *, token: str, control_open: bool) -> Starlette:
    """The application around a world for the bot with this token; restores and saves the world while it runs."""

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        saving = asyncio.create_task(keep_saving(world))
        yield
        saving.cancel()
        with suppress(asyncio.CancelledError):
            await saving

    if not restore(world):
        world.populate()
    app = Starlette(
        routes=[
            Route("/", index),
            Route("/bot{token}/{method}", serve_method, methods=["POST"]),
            Route("/file/bot{token}/{path:path}", serve_file),
            *control.ROUTES,
            *direction.ROUTES,
            Mount("/page", StaticFiles(directory=PAGE)),
        ],
        middleware=[Middleware(Doors, control=control_open)],
        exception_handlers={HTTPException: explained},
        lifespan=lifespan,
    )
    app.state.world = world
    app.state.token = token
    app.state.page_key = page_key(token)
    return app
