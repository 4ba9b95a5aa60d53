"""The page in a real browser, on a phone and on a desktop: a hunt and a curation against a small scripted bot."""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from playwright.async_api import Page, Route, async_playwright, expect
from telegram import InputMediaPhoto

from tests.rehearsal.scripted_bot import PICKS, ScriptedBot, keys
from tests.rehearsal.stage import Stage, picture, playing

CHROMIUM = Path("/usr/bin/chromium")
FLAGS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update",
    "--disable-sync",
]  # fmt: skip
PHONE, DESKTOP = (390, 844), (1280, 800)
SHOTS = os.environ.get("STYLESEAL_SHOTS", "")  # a folder to keep screenshots in

pytestmark = [pytest.mark.slow, pytest.mark.skipif(not CHROMIUM.exists(), reason="needs Chromium at /usr/bin/chromium")]


@dataclass
class Browser:
    """One window on the page."""

    page: Page
    stage: Stage
    bot: ScriptedBot
    name: str
    complaints: list[str] = field(default_factory=list)

    async def taps(self, label: str) -> None:
        await self.page.locator(".key", has_text=re.compile(f"^{label}$")).last.click()

    async def sees(self, words: str) -> None:
        await expect(self.page.locator("#thread")).to_contain_text(words, timeout=10_000)

    async def shows(self, name: str) -> None:
        """Keeps a screenshot when somebody asked for them."""
        if SHOTS:
            await self.page.wait_for_timeout(500)  # animations end; only for looking
            await self.page.screenshot(path=Path(SHOTS) / f"{self.name}-{name}.png")


@asynccontextmanager
async def looking(folder: Path, size: tuple[int, int], scheme: str) -> AsyncIterator[Browser]:
    """A browser on the page, with the scripted bot behind it; nothing may be complained about in the console."""
    async with playing(folder, control=False) as stage, async_playwright() as playwright:
        bot = ScriptedBot(await stage.bot())
        playing_bot = asyncio.create_task(bot.run())
        chromium = await playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        view = {"width": size[0], "height": size[1]}
        context = await chromium.new_context(viewport=view, color_scheme=scheme)  # type: ignore[arg-type]
        found = Browser(await context.new_page(), stage, bot, "phone" if size == PHONE else "desktop")
        found.page.on("pageerror", lambda error: found.complaints.append(str(error)))
        found.page.on("console", lambda said: found.complaints.append(said.text) if said.type == "error" else None)
        await found.page.goto(stage.address)
        try:
            yield found
            assert found.complaints == []
        finally:
            await chromium.close()
            playing_bot.cancel()
            await asyncio.gather(playing_bot, return_exceptions=True)


async def plays_hunt_and_curation(browser: Browser) -> None:
    """From Start to two judged candidates."""
    page = browser.page
    await page.locator("#start").click()
    await browser.sees("I help you turn a style into a seal")
    await browser.taps("Begin a quest")
    await expect(page.locator(".typing")).to_be_visible()
    browser.bot.has_drawn.set()
    await expect(page.locator(".pictures.of-4 img")).to_have_count(4, timeout=10_000)
    await browser.sees("Which of them is the style you meant?")
    await browser.shows("hunt")
    await browser.taps("2")
    await expect(page.locator("#toast")).to_have_text("Seed 2 it is")
    await browser.sees("1 of 48 · kept 0")
    await browser.taps("Keep")
    await browser.sees("2 of 48 · kept 1")
    await browser.taps("Reject")
    await browser.sees("3 of 48 · kept 1")
    await expect(page.locator(".key.waiting")).to_have_count(0)
    await browser.shows("curation")
    assert await page.locator("article").count() == 5, "a card is turned in place, not sent anew"


async def test_on_a_phone_list_and_chat_are_two_views_and_a_quest_is_played(tmp_path: Path) -> None:
    async with looking(tmp_path, PHONE, "light") as browser:
        page = browser.page
        await expect(page.locator(".chat-card")).to_have_count(2)
        await expect(page.locator("#chat")).to_be_hidden()
        await page.locator(".chat-card", has_text="Styleseal").click()
        await expect(page.locator(".side")).not_to_be_visible()
        await plays_hunt_and_curation(browser)
        width = await page.locator("#app").evaluate("node => node.scrollWidth")
        assert width <= PHONE[0], "nothing hangs out of the phone"
        await page.go_back()
        await expect(page.locator(".chat-card", has_text="3 of 48")).to_be_visible()


async def test_on_a_desktop_both_are_seen_and_each_person_has_their_own_chat(tmp_path: Path) -> None:
    async with looking(tmp_path, DESKTOP, "dark") as browser:
        page = browser.page
        await expect(page.locator(".side")).to_be_visible()
        await plays_hunt_and_curation(browser)
        await page.locator("#me").click()
        await page.locator(".menu-item", has_text="Min-jun").click()
        await expect(page.locator("html")).to_have_attribute("lang", "ko")
        await expect(page.locator("article")).to_have_count(0)
        await expect(page.locator("#start")).to_have_text("시작")


async def test_start_tapped_while_the_chat_still_loads_is_said_in_that_chat(tmp_path: Path) -> None:
    async with looking(tmp_path, DESKTOP, "light") as browser:
        page, loads = browser.page, asyncio.Event()

        async def slow(route: Route) -> None:
            await loads.wait()
            await route.continue_()

        await expect(page.locator("#start")).to_be_visible()
        await page.route("**/sim/chats/*/messages*", slow)
        await page.locator("#me").click()
        await page.locator(".menu-item", has_text="Boris").click()
        await expect(page.locator("#me")).to_contain_text("Boris")
        await page.locator("#start").click()
        await expect(page.locator("#start")).to_be_hidden()
        loads.set()
        await browser.sees("I help you turn a style into a seal")
        people = browser.stage.world.people.values()
        assert [one.name for one in people if one.started] == ["Boris"]


async def test_words_commands_alerts_and_pictures_work_by_keyboard(tmp_path: Path) -> None:
    async with looking(tmp_path, DESKTOP, "light") as browser:
        page = browser.page
        await page.locator("#start").click()
        await browser.sees("I help you")
        await page.locator("#text").fill("a knight\n<b>lantern</b>")
        await page.keyboard.press("Enter")
        await browser.sees("I heard a knight")
        assert await page.locator(".words b", has_text="lantern").count() == 0, "what people write is never a tag"
        await page.locator("#text").press_sequentially("/qu")
        await expect(page.locator("#commands .menu-item")).to_have_text(["/questsMy quests", "/queueWho is before me"])
        await page.keyboard.press("Escape")
        await browser.taps("Language")
        await expect(page.locator("#alert-text")).to_contain_text("rehearsal of a rehearsal")
        await page.keyboard.press("Enter")
        browser.bot.has_drawn.set()
        await browser.taps("Begin a quest")
        await page.locator(".frame").nth(1).click()
        await page.keyboard.press("ArrowRight")
        await expect(page.locator("#lightbox")).to_be_visible()
        await page.keyboard.press("Escape")
        await expect(page.locator("#lightbox")).to_be_hidden()


async def test_a_file_is_sent_with_its_words_and_can_be_taken_back(tmp_path: Path) -> None:
    async with looking(tmp_path, PHONE, "light") as browser:
        page = browser.page
        await page.locator(".chat-card", has_text="Styleseal").click()
        await page.locator("#start").click()
        notes = {"name": "my notes.txt", "mimeType": "text/plain", "buffer": b"ohwx"}
        await page.locator("#file").set_input_files(notes)  # type: ignore[arg-type]
        await page.locator("#sending-caption").fill("look")
        await page.locator("#sending button[value=file]").click()
        await browser.sees("my notes.txt")
        async with page.expect_download() as download:
            await page.locator(".document").click()
        path = await (await download.value).path()
        assert await asyncio.to_thread(path.read_bytes) == b"ohwx"


async def test_an_edit_above_does_not_move_what_is_read(tmp_path: Path) -> None:
    async with looking(tmp_path, DESKTOP, "light") as browser:
        page, bot = browser.page, browser.stage.bots[0]
        await page.locator("#start").click()
        await browser.sees("I help you")
        chat = browser.stage.world.people[7001].id
        first = await bot.send_message(chat, "short")
        for line in range(40):
            await bot.send_message(chat, f"line {line}")
        await browser.sees("line 39")
        await page.mouse.move(800, 400)
        await page.mouse.wheel(0, -600)  # as a reader does
        await expect(page.locator("#down")).to_be_visible()
        read = page.locator("article").filter(has=page.locator(".words", has_text=re.compile("^line 20$")))
        await read.evaluate("node => Promise.all(node.getAnimations().map(one => one.finished))")  # it rises
        before = (await read.bounding_box() or {})["y"]
        await bot.edit_message_text("much\n\n\n\n\n\n\n\n\n\nlonger", chat, first.message_id)
        await browser.sees("longer")
        after = (await read.bounding_box() or {})["y"]
        assert abs(after - before) < 2


async def bottom_gap(page: Page) -> float:
    """How far the newest message's lower edge lies below the glass, in px."""
    found: float = await page.evaluate(
        "() => [...document.querySelectorAll('#thread > article')].at(-1).getBoundingClientRect().bottom"
        " - document.getElementById('scroll').getBoundingClientRect().bottom"
    )
    return found


async def rests_at_the_bottom(page: Page) -> None:
    """Waits until the newest message is wholly in view; the reader has not touched anything."""
    await page.wait_for_function(
        "() => { const s = document.getElementById('scroll'); "
        " return s.scrollHeight - s.scrollTop - s.clientHeight < 2; }"
    )
    assert await bottom_gap(page) < 1  # of a pixel, which screens round


@pytest.mark.parametrize("size", [PHONE, DESKTOP], ids=["phone", "desktop"])
async def test_the_page_follows_the_newest_while_one_stands_at_the_bottom(
    tmp_path: Path, size: tuple[int, int]
) -> None:
    async with looking(tmp_path, size, "light") as browser:
        page, bot = browser.page, browser.stage.bots[0]
        if size == PHONE:
            await page.locator(".chat-card", has_text="Styleseal").click()
        await page.locator("#start").click()
        await browser.sees("I help you")
        chat = 7001
        for line in range(30):
            await bot.send_message(chat, f"line {line}")
        await bot.send_media_group(chat, [InputMediaPhoto(picture(seed)) for seed in (300, 320, 340, 360)])
        last = await bot.send_message(chat, "Which of them is it?", reply_markup=PICKS)
        await browser.sees("Which of them is it")
        await rests_at_the_bottom(page)
        grown = keys(*((("one", f"a:{n}", ""), ("two", f"b:{n}", "")) for n in range(6)))
        await bot.edit_message_text("It grew\n\n\n\nby some lines", chat, last.message_id, reply_markup=grown)
        await browser.sees("It grew")
        await rests_at_the_bottom(page)
        for height in (480, size[1]):  # a phone's keyboard comes and goes
            await page.set_viewport_size({"width": size[0], "height": height})
            await rests_at_the_bottom(page)
        await bot.send_chat_action(chat, "typing")
        await bot.pin_chat_message(chat, last.message_id)
        await bot.send_photo(chat, picture(900, 1200), caption="and a tall one", reply_markup=PICKS)
        await browser.sees("and a tall one")
        await rests_at_the_bottom(page)
        await expect(page.locator("#down")).to_be_hidden()


async def test_who_has_scrolled_up_stays_there_and_is_told_how_much_came(tmp_path: Path) -> None:
    async with looking(tmp_path, PHONE, "light") as browser:
        page, bot = browser.page, browser.stage.bots[0]
        await page.locator(".chat-card", has_text="Styleseal").click()
        await page.locator("#start").click()
        await browser.sees("I help you")
        for line in range(40):
            await bot.send_message(7001, f"line {line}")
        await browser.sees("line 39")
        await rests_at_the_bottom(page)
        await page.mouse.move(200, 400)
        await page.mouse.wheel(0, -60)  # a little is enough
        await expect(page.locator("#down")).to_be_visible()
        place = await page.locator("#scroll").evaluate("node => node.scrollTop")
        for line in range(3):
            await bot.send_message(7001, f"new {line}")
        await browser.sees("new 2")
        await expect(page.locator("#down-count")).to_have_text("3")
        assert abs(await page.locator("#scroll").evaluate("node => node.scrollTop") - place) < 2
        await page.locator("#down").click()
        await rests_at_the_bottom(page)
        await expect(page.locator("#down")).to_be_hidden()
        await bot.send_message(7001, "after that it follows again")
        await browser.sees("follows again")
        await rests_at_the_bottom(page)


async def test_who_went_to_the_pinned_message_stays_there(tmp_path: Path) -> None:
    async with looking(tmp_path, DESKTOP, "light") as browser:
        page, bot = browser.page, browser.stage.bots[0]
        await page.locator("#start").click()
        await browser.sees("I help you")
        first = await bot.send_message(7001, "the palette")
        await bot.pin_chat_message(7001, first.message_id)
        for line in range(40):
            await bot.send_message(7001, f"line {line}")
        await browser.sees("line 39")
        await rests_at_the_bottom(page)
        await page.locator("#pinned").click()
        await expect(page.locator("#down")).to_be_visible()
        await bot.send_message(7001, "and one more")
        await browser.sees("and one more")
        await expect(page.locator("#down-count")).to_have_text("1")
