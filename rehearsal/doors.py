"""Who may come in: this machine only, our own page with its cookie, scripts only when the control API was asked for.

Every web site in the same browser can reach 127.0.0.1. So nothing changes by GET, and what another site, another port,
a rebound name or a frame sends is refused before anything reads it.
"""

from __future__ import annotations

import hashlib
import re
import secrets

from starlette.datastructures import MutableHeaders
from starlette.requests import HTTPConnection, Request
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

HOST = re.compile(r"(?P<name>[\w.-]+|\[[\da-f:.]+\])(:\d{1,5})?", re.IGNORECASE | re.ASCII)
LOOPBACK_NAMES = {"127.0.0.1", "localhost", "[::1]"}
OUR_OWN = {"same-origin", "none"}  # Sec-Fetch-Site: our page, or typed by a person; "same-site" is any other port
FOR_THE_PAGE = (
    "/sim/state", "/sim/people", "/sim/groups", "/sim/send", "/sim/document", "/sim/tap", "/sim/taps/", "/sim/chats/",
    "/sim/files/", "/sim/events",
)  # fmt: skip
ON_EVERYTHING = {
    "x-content-type-options": "nosniff",
    "cross-origin-resource-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "referrer-policy": "no-referrer",
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'; sandbox",
}


class Doors:
    """Refuses foreign names (DNS rebinding), foreign origins (other sites in the same browser), and WebSockets."""

    def __init__(self, app: ASGIApp, control: bool) -> None:
        self.app = app
        self.control = control

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Lets the request through, or answers 400 (no sense) or 403 (not for you)."""
        if scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})
            return
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in ON_EVERYTHING.items():
                    headers.setdefault(name, value)
            await send(message)

        await (self.refusal(HTTPConnection(scope)) or self.app)(scope, receive, guarded)

    def refusal(self, request: HTTPConnection) -> Response | None:
        """What to answer instead, if anything."""
        hosts, origins = request.headers.getlist("host"), request.headers.getlist("origin")
        host = HOST.fullmatch(hosts[0]) if len(hosts) == 1 else None
        if host is None or len(origins) > 1:
            return PlainTextResponse("This request makes no sense.", 400)
        why = self.why_not(request, host["name"].lower(), hosts[0], origins)
        return PlainTextResponse(why, 403) if why else None

    def why_not(self, request: HTTPConnection, name: str, host: str, origins: list[str]) -> str:
        """The reason to refuse, or nothing."""
        if name not in LOOPBACK_NAMES:
            return "This rehearsal chat listens on 127.0.0.1 only."
        if origins not in ([], [f"http://{host}"]) or not (is_ours(request) or opens_the_page(request)):
            return "Other web sites may not use the rehearsal chat."
        path = request.scope["path"]
        if not path.startswith("/sim/") or self.control or (path.startswith(FOR_THE_PAGE) and is_page(request)):
            return ""
        return "The control API is closed; start the rehearsal with --control."


def is_ours(request: HTTPConnection) -> bool:
    """Whether a browser says it comes from our page; what is no browser says nothing."""
    return request.headers.get("sec-fetch-site", "none") in OUR_OWN


def opens_the_page(request: HTTPConnection) -> bool:
    """Whether somebody follows a link to the page itself, which changes nothing and shows nothing to that site."""
    is_whole_window = request.headers.get("sec-fetch-dest") == "document"
    return request.scope["method"] == "GET" and request.scope["path"] == "/" and is_whole_window


def page_key(token: str) -> str:
    """What the page's cookie holds: the same after a restart, so that an open page goes on."""
    return hashlib.sha256(f"page {token}".encode()).hexdigest()


def cookie_name(key: str) -> str:
    """A name of its own for each data folder: browsers share cookies between the ports of a machine."""
    return f"styleseal_{hashlib.sha256(key.encode()).hexdigest()[:8]}"


def is_page(request: HTTPConnection) -> bool:
    """Whether it carries the cookie that index.html got."""
    key: str = request.app.state.page_key
    return secrets.compare_digest(request.cookies.get(cookie_name(key), "").encode(), key.encode())


def cookie_for(request: Request) -> dict[str, str]:
    """The header that makes a browser the page."""
    key = request.app.state.page_key
    return {"set-cookie": f"{cookie_name(key)}={key}; Path=/; HttpOnly; SameSite=Strict"}
