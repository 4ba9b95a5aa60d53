"""Who may come in: this machine only, the page with its cookie, scripts only when the control API was asked for."""

from __future__ import annotations

import secrets
from urllib.parse import urlsplit

from starlette.requests import HTTPConnection, Request
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

LOOPBACK_NAMES = {"127.0.0.1", "localhost", "::1"}
COOKIE = "styleseal_page"
FOR_THE_PAGE = (
    "/sim/state", "/sim/people", "/sim/groups", "/sim/send", "/sim/document", "/sim/tap", "/sim/taps/", "/sim/chats/",
    "/sim/files/", "/sim/events",
)  # fmt: skip


class Doors:
    """Refuses foreign Host names (DNS rebinding) and foreign origins (other web sites in the same browser)."""

    def __init__(self, app: ASGIApp, control: bool) -> None:
        self.app = app
        self.control = control

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Lets the request through or answers 403."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        why = self.why_not(HTTPConnection(scope))
        await (PlainTextResponse(why, 403) if why else self.app)(scope, receive, send)

    def why_not(self, request: HTTPConnection) -> str:
        """The reason to refuse, or nothing."""
        if urlsplit(f"//{request.headers.get('host', '')}").hostname not in LOOPBACK_NAMES:
            return "This rehearsal chat listens on 127.0.0.1 only."
        origin = request.headers.get("origin")
        if origin and urlsplit(origin).netloc != request.headers["host"]:
            return "Other web sites may not use the rehearsal chat."
        path = request.scope["path"]
        if not path.startswith("/sim/") or self.control:
            return ""
        if path.startswith(FOR_THE_PAGE) and is_page(request):
            return ""
        return "The control API is closed; start the rehearsal with --control."


def is_page(request: HTTPConnection) -> bool:
    """Whether it carries the cookie that index.html got."""
    return secrets.compare_digest(request.cookies.get(COOKIE, ""), request.app.state.page_key)


def cookie_for(request: Request) -> dict[str, str]:
    """The header that makes a browser the page."""
    key = request.app.state.page_key
    return {"set-cookie": f"{COOKIE}={key}; Path=/; HttpOnly; SameSite=Strict"}
