"""The parts of the product as commands, and the ports between them."""

from __future__ import annotations

import socket
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from pathlib import Path

from launch.processes import Part

PAGE_ANSWERS = "import sys, urllib.request as web; web.urlopen(sys.argv[1], timeout=10)"


def python(*arguments: str) -> tuple[str, ...]:
    """A command of this very Python."""
    return (sys.executable, *arguments)


def product(environment: Mapping[str, str], *, rehearsal_port: int | None, data: Path, control: bool) -> list[Part]:
    """The parts of the product; with a rehearsal port the local chat comes first and the bot speaks to it.

    The chat makes the token that both need, once a data folder; a token of the operator's own is not shown to it.
    """
    shared = {"STYLESEAL_DATA": str(data), **environment}
    parts: list[Part] = []
    if rehearsal_port is not None:
        folder, url = data / "rehearsal", f"http://127.0.0.1:{rehearsal_port}"
        flags = ("--control",) if control else ()
        command = python("-m", "rehearsal", "--port", str(rehearsal_port), "--data", str(folder), *flags)
        answers = python("-c", PAGE_ANSWERS, f"{url}/")
        parts.append(Part("rehearsal", command, shared, alive=answers, makes=folder / "token"))
        shared = {**shared, "TELEGRAM_API_URL": url, "TELEGRAM_BOT_TOKEN_FILE": str(folder / "token")}
    parts.append(Part("engine", python("-m", "engine"), shared, alive=python("-m", "engine", "alive")))
    parts.append(Part("bot", python("-m", "bot"), shared, alive=python("-m", "bot", "doctor", "--alive")))
    return parts


def port_is_free(port: int) -> bool:
    """Whether nothing listens on this port of 127.0.0.1."""
    with socket.socket() as probe:
        probe.settimeout(0.5)
        return probe.connect_ex(("127.0.0.1", port)) != 0


def free_port() -> int:
    """A port of 127.0.0.1 that nothing uses at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def page_answers(url: str) -> bool:
    """Whether the page is there."""
    try:
        with urllib.request.urlopen(url, timeout=2):  # noqa: S310 - http on loopback
            return True
    except (urllib.error.URLError, OSError):
        return False


def wait_for_page(url: str, seconds: float) -> bool:
    """Whether the page answers within so many seconds."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if page_answers(url):
            return True
        time.sleep(0.1)
    return False
