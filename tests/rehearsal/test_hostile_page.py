"""A web page of somebody else, open in the same browser as the rehearsal chat, tries everything a page can."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import async_playwright
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse
from starlette.routing import Route

from tests.rehearsal.serving import serving
from tests.rehearsal.stage import TOKEN, Stage, playing

CHROMIUM = Path("/usr/bin/chromium")
# evil.example and rebound.example are this machine: the first a foreign site, the second a name that was rebound.
FLAGS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update",
    "--disable-sync", "--host-resolver-rules=MAP *.example 127.0.0.1",
    "--disable-features=LocalNetworkAccessChecks,BlockInsecurePrivateNetworkRequests",  # our doors alone must hold
]  # fmt: skip
SITES = ("evil.example", "localhost", "127.0.0.1")  # another site, the same machine by another name, another port

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(300),
    pytest.mark.skipif(not CHROMIUM.exists(), reason="needs Chromium at /usr/bin/chromium"),
]

ATTACK = (Path(__file__).parent / "hostile_page.js").read_text()


async def blank(_request: Request) -> HTMLResponse:
    """The hostile page before its script begins."""
    return HTMLResponse("<!doctype html><title>Free seals</title><body>")


SOMEBODY_ELSE = Starlette(routes=[Route("/", blank)])


def everything(stage: Stage) -> Any:
    """All that a stranger could have changed or asked for."""
    world = stage.world
    return json.loads(
        json.dumps(
            [
                [vars(one) for one in world.people.values()],
                [vars(one) for one in world.chats.values()],
                [[vars(one) for one in chat.values()] for chat in world.messages.values()],
                vars(world.profile),
                [world.updates.webhook, world.updates.allowed, [one.update_id for one in world.updates.waiting]],
                [world.weather.faults, world.weather.buckets_on, len(world.taps.known), len(world.files.known)],
                [call["method"] for call in world.calls],
            ],
            default=str,
        )
    )


@pytest.mark.parametrize("control", [False, True], ids=["closed", "control-open"])
async def test_a_page_of_somebody_else_changes_nothing_and_reads_nothing(tmp_path: Path, control: bool) -> None:
    async with (
        playing(tmp_path, control=control) as stage,
        serving(SOMEBODY_ELSE) as elsewhere,
        async_playwright() as playwright,
    ):
        port = elsewhere.rpartition(":")[2]
        anna = next(iter(stage.world.people))
        bot = await stage.bot()
        stage.world.hear(stage.world.drafted(anna, anna, text="/start"))
        await bot.send_message(anna, "a secret")
        chromium = await playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        context = await chromium.new_context()
        chat = await context.new_page()
        await chat.goto(stage.address)  # the victim has the chat open: its cookie is in this browser
        await chat.locator("#me").wait_for()
        before = everything(stage)
        attacks = []
        for site in SITES:
            hostile = await context.new_page()
            await hostile.goto(f"http://{site}:{port}")
            attacks.append(hostile.evaluate(ATTACK, [stage.address, ["1:abc", TOKEN], anna]))
        assert await asyncio.gather(*attacks) == [[]] * len(SITES)
        assert everything(stage) == before
        await chromium.close()


async def test_a_rebound_name_is_no_door(tmp_path: Path) -> None:
    """DNS rebinding: the hostile page's own name points to this machine, so that its browser calls it same-origin."""
    async with playing(tmp_path, control=True) as stage, async_playwright() as playwright:
        chromium = await playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        page = await chromium.new_page()
        answer = await page.goto(stage.address.replace("127.0.0.1", "rebound.example"))
        assert answer
        assert answer.status == 403
        anna = next(iter(stage.world.people))
        body = json.dumps({"user": anna, "chat": anna, "text": "forged"})
        say = "body => fetch('/sim/send', {method: 'POST', body}).then(r => r.status, () => 403)"  # or it is sandboxed
        assert await page.evaluate(say, body) == 403
        assert not stage.world.messages[anna]
        await chromium.close()
