"""The whole product in a real browser, on a phone and a desktop: bot, engine and rehearsal chat as processes.

`STYLESEAL_SHOTS=docs/screenshots` keeps the screenshots that the README shows.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect, sync_playwright

from launch.parts import free_port, product, wait_for_page
from launch.processes import Processes

CHROMIUM = Path("/usr/bin/chromium")
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
SHOTS = os.environ.get("STYLESEAL_SHOTS", "")
SOON_MS, DRAWN_MS = 30_000, 120_000
SIZES = {"phone": (390, 844, "light"), "desktop": (1280, 800, "dark")}

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(300),
    pytest.mark.skipif(not CHROMIUM.exists(), reason="needs Debian's chromium"),
]


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder, port = tmp_path_factory.mktemp("product"), free_port()
    parts = product({}, rehearsal_port=port, data=folder / "data", control=False)
    processes = Processes(parts, log_folder=folder / "logs")
    processes.start()
    assert wait_for_page(f"http://127.0.0.1:{port}/", 60)
    yield f"http://127.0.0.1:{port}"
    processes.stop()


class Window:
    """Somebody's browser: taps buttons by their verb, as a finger would find them by their label."""

    def __init__(self, page: Page, name: str) -> None:
        self.page, self.name = page, name

    def button(self, verb: str) -> Locator:
        return self.page.locator(f'.key[data-tap^="{verb}:"]').last

    def taps(self, verb: str, within_ms: int = SOON_MS) -> None:
        expect(self.button(verb)).to_be_visible(timeout=within_ms)
        self.button(verb).click()

    def shows(self, what: str) -> None:
        if SHOTS:
            self.page.wait_for_timeout(900)  # animations and pictures come to rest; only for looking
            self.page.screenshot(path=Path(SHOTS) / f"{self.name}-{what}.png")


@pytest.fixture(params=SIZES)
def window(request: pytest.FixtureRequest, address: str) -> Iterator[Window]:
    width, height, scheme = SIZES[request.param]
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        context = chromium.new_context(viewport={"width": width, "height": height}, color_scheme=scheme)
        page = context.new_page()
        page.goto(address)
        yield Window(page, request.param)
        chromium.close()


def begins(window: Window) -> None:
    """The first person on the phone is Anna; on the desktop somebody new, so that both see their own chat only."""
    if window.name == "desktop":
        window.page.locator("#me").click()
        window.page.locator("#people [role^=menuitem]").last.click()
        window.page.locator("#newcomer-name").fill("Dana")
        window.page.locator("#newcomer .primary").click()
        expect(window.page.locator("#me")).to_contain_text("Dana")  # until then, Start is somebody else's
    if not window.page.locator("#start").is_visible():
        window.page.locator("#chats button").first.click()
    window.page.locator("#start").click()


def test_hunt_and_curation_can_be_played_with_a_finger(window: Window) -> None:
    page = window.page
    begins(window)
    window.taps("quest.new")
    window.taps("style.kind:style")
    expect(window.button("style.preset")).to_be_visible(timeout=SOON_MS)
    window.shows("looks")
    window.taps("style.preset:black-white-icon")
    window.taps("style.ok")
    expect(window.button("trigger.ok")).to_be_visible(timeout=SOON_MS)
    window.shows("trigger")
    window.taps("trigger.ok")
    window.taps("hunt.start")
    expect(page.locator(".pictures.of-4 img.picture")).to_have_count(4, timeout=DRAWN_MS)
    expect(window.button("hunt.pick")).to_be_visible(timeout=SOON_MS)
    window.shows("hunt")
    window.taps("hunt.pick:2")
    window.taps("payload.start")
    expect(page.locator("#thread")).to_contain_text(re.compile(r"\b(8|9|[1-4]\d)/48"), timeout=DRAWN_MS)
    window.shows("payload")
    window.taps("payload.stop")
    window.taps("curate.keep", DRAWN_MS)
    expect(page.locator("#thread")).to_contain_text("kept 1", timeout=SOON_MS)
    window.shows("curation")
    window.taps("curate.sheet")
    expect(window.button("curate.page")).to_be_visible(timeout=SOON_MS)
    window.shows("sheet")
