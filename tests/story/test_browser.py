"""The whole product in a real browser, on a phone and a desktop: bot, engine and rehearsal chat as processes.

Nobody here ever scrolls: a key is tapped where it lies on the glass, so it must be in view when its turn comes. And all
of it is logged at DEBUG, which must tell nothing of what was said.

`STYLESEAL_SHOTS=docs/screenshots` keeps the screenshots that the README shows.
"""

from __future__ import annotations

import json
import os
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
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
SOON_MS, DRAWN_MS, TRAINED_MS = 30_000, 180_000, 900_000
SECRET = "zibeline"  # a word that nothing else says
SIZES = {"phone": (390, 844, "light"), "desktop": (1280, 800, "dark")}

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(1800),
    pytest.mark.skipif(not CHROMIUM.exists(), reason="needs Debian's chromium"),
]


@dataclass(frozen=True)
class Product:
    """The running product: where its chat is, where it keeps things, and what it says to the operator."""

    address: str
    data: Path
    logs: Path


@pytest.fixture(scope="module")
def product_at(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    folder, port = tmp_path_factory.mktemp("product"), free_port()
    settings = {"STYLESEAL_LOG_LEVEL": "DEBUG"}
    parts = product(settings, rehearsal_port=port, data=folder / "data", control=False)
    processes = Processes(parts, log_folder=folder / "logs")
    processes.start()
    found = Product(f"http://127.0.0.1:{port}", folder / "data", folder / "logs")
    assert wait_for_page(found.address, 60)
    yield found
    processes.stop()


# Where the middle of the newest key of this verb lies, if a finger can reach it; else why not.
REACH = """verb => {
  const keys = [...document.querySelectorAll(`.key[data-tap^="${verb}:"], .key[data-tap="${verb}"]`)];
  const key = keys.at(-1), glass = document.getElementById("scroll").getBoundingClientRect();
  if (!key) return { why: "there is none" };
  const of = (node) => node.getBoundingClientRect();
  const [box, board] = [of(key), of(key.closest(".keys"))];
  const inside = (it) => it.top >= glass.top - 0.5 && it.bottom <= glass.bottom + 0.5;
  const x = box.x + box.width / 2, y = box.y + box.height / 2;
  if (!inside(box)) return { why: `it lies at ${box.top}–${box.bottom}, the glass at ${glass.top}–${glass.bottom}` };
  if (board.height <= glass.height && !inside(board)) return { why: `its keyboard: ${board.top}–${board.bottom}` };
  if (!key.contains(document.elementFromPoint(x, y))) return { why: "something lies over it" };
  if (key.classList.contains("waiting")) return { why: "it waits for an answer" };
  return { x, y };
}"""


class Window:
    """Somebody's browser: taps on the glass, at the place where the newest key of a verb is seen. Never scrolls."""

    def __init__(self, page: Page, name: str) -> None:
        self.page, self.name = page, name

    def button(self, verb: str) -> Locator:
        return self.page.locator(f'.key[data-tap^="{verb}:"]').last

    def reaches(self, verb: str, within_ms: int = SOON_MS) -> tuple[float, float]:
        """Where the key lies, as soon as it can be reached."""
        deadline = time.monotonic() + within_ms / 1000
        while "x" not in (found := self.page.evaluate(REACH, verb)):
            if time.monotonic() > deadline:
                self.shows(f"out-of-reach-{verb.partition(':')[0]}")
                raise AssertionError(f"{verb} cannot be reached: {found['why']}")
            self.page.wait_for_timeout(50)
        return found["x"], found["y"]

    def taps(self, verb: str, within_ms: int = SOON_MS) -> None:
        self.page.mouse.click(*self.reaches(verb, within_ms))

    def says(self, text: str) -> None:
        self.page.locator("#text").fill(text)
        self.page.keyboard.press("Enter")

    def sees(self, pattern: str, within_ms: int = SOON_MS) -> None:
        expect(self.page.locator("#thread")).to_contain_text(re.compile(pattern), timeout=within_ms)

    def shows(self, what: str) -> None:
        if SHOTS:
            self.page.wait_for_timeout(900)  # animations and pictures come to rest; only for looking
            self.page.screenshot(path=Path(SHOTS) / f"{self.name}-{what}.png")


@pytest.fixture(params=SIZES)
def window(request: pytest.FixtureRequest, product_at: Product) -> Iterator[Window]:
    width, height, scheme = SIZES[request.param]
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        context = chromium.new_context(viewport={"width": width, "height": height}, color_scheme=scheme)
        page = context.new_page()
        page.goto(product_at.address)
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


def hunts(window: Window) -> None:
    """From the first screen to a chosen probe, in words of one's own."""
    begins(window)
    window.taps("quest.new")
    window.taps("style.kind:style")
    window.reaches("style.preset")
    window.shows("looks")
    window.taps("style.words")
    window.sees("words")
    window.says(f"{SECRET} watercolor, soft light")
    window.taps("style.ok")
    window.reaches("trigger.ok")
    window.shows("trigger")
    window.taps("trigger.ok")
    window.taps("hunt.start")
    expect(window.page.locator(".pictures.of-4 img.picture")).to_have_count(4, timeout=DRAWN_MS)
    window.reaches("hunt.pick")
    window.shows("hunt")
    window.taps("hunt.pick:2")


def curates(window: Window, keep: int) -> None:
    """Keeps so many, one card after the other."""
    for kept in range(1, keep + 1):
        window.taps("curate.keep", DRAWN_MS)
        window.sees(rf"kept {kept}\b")


def test_a_whole_quest_is_played_without_ever_scrolling(window: Window, product_at: Product) -> None:
    hunts(window)
    window.taps("payload.start")
    window.sees(r"\b(1[89]|[2-4]\d)/48" if window.name == "phone" else r"\b(8|9|[1-4]\d)/48", DRAWN_MS)
    window.shows("payload")
    window.taps("payload.stop")
    curates(window, 15 if window.name == "phone" else 1)
    window.shows("curation")
    if window.name == "phone":
        seals(window)
        tries_and_takes(window)
    else:
        window.taps("curate.sheet")
        window.reaches("curate.page")
        window.shows("sheet")
    tells_nothing(product_at)


def seals(window: Window) -> None:
    """From the palette to a chosen checkpoint."""
    window.taps("curate.done")
    window.reaches("captions.ok")
    window.shows("captions")
    window.taps("captions.ok")
    window.taps("train.preset:fast")
    window.reaches("train.start")
    window.shows("recipe")
    window.taps("train.start")
    window.reaches("train.stop", DRAWN_MS)
    window.shows("training")
    window.reaches("seal.pick", TRAINED_MS)
    window.shows("checkpoints")
    window.taps("seal.pick")


def tries_and_takes(window: Window) -> None:
    """A prompt, a sweep, and everything to take home."""
    window.reaches("try.sweep", DRAWN_MS)
    window.says(f"a {SECRET} castle")
    window.reaches("try.strength", DRAWN_MS)
    window.taps("try.sweep")
    window.reaches("take.lora", DRAWN_MS)
    window.shows("trying")
    for what, ending in (("take.lora", ".safetensors"), ("take.dataset", "-dataset.zip"), ("take.card", "-card.zip")):
        window.taps(what, DRAWN_MS)
        expect(window.page.locator(".document", has_text=ending).first).to_be_attached(timeout=DRAWN_MS)
    window.shows("taken")


def tells_nothing(product_at: Product) -> None:
    """No line of any process, at DEBUG, holds what people said, who they are, or the token."""
    said = "\n".join(path.read_text() for path in product_at.logs.glob("*.log"))
    assert "talking" in said
    token = (product_at.data / "rehearsal" / "token").read_text()
    people = json.loads((product_at.data / "rehearsal" / "world.json").read_text())["people"]
    for secret in (SECRET, "castle", token.partition(":")[2], *(one["name"] for one in people)):
        assert secret not in said
    for person in people:
        assert not re.search(rf"(?<![\d.]){person['id']}(?!\d)", said)
