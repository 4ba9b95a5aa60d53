"""Two hundred people at once, one of them flooding, and the rate that is too much: ours and a plain bot's."""

from __future__ import annotations

import asyncio
import json
import math
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from telegram import Message as Wired

from bench.crowd.people import (
    ARRIVAL,
    CIRCLE,
    LANGUAGES,
    LOOK_SECONDS,
    Crowd,
    Guest,
    Timing,
    served,
)
from bench.crowd.processes import BotProcess, bot_process
from bench.table import Line
from rehearsal import answers

PEOPLE = 200
ARRIVE_SECONDS = 8.0
SETTLE_SECONDS = 6.0
STEADY_SECONDS = 15.0
FLOOD = 300  # messages
RAMP_BEGINS = 20.0  # taps a second
DOUBLES_EVERY_SECONDS = 8.0
RAMP_MOST_SECONDS = 40.0
WINDOW_SECONDS = 2.0
TOO_SLOW_SECONDS = 1.0
ANSWER_SECONDS, SCREEN_SECONDS = 0.150, 1.0
FLOOD_SECONDS = 0.050
MOST_RATIO = 2.0  # of the seconds a tap at the highest rate: at least half a plain bot's rate


def p95(values: Sequence[float]) -> float:
    """The 95th percentile by nearest rank."""
    ordered = sorted(values)
    return ordered[max(0, -(-95 * len(ordered) // 100) - 1)] if ordered else float("inf")


@dataclass
class Stretch:
    """What one stretch of time gave."""

    answer: float
    screen: float
    taps: int
    bot_cpu: float
    children_cpu: float
    stand_in_cpu: float
    seconds: float

    def __str__(self) -> str:
        """One line for people."""
        cores = [f"{part / self.seconds:.2f}" for part in (self.bot_cpu, self.children_cpu, self.stand_in_cpu)]
        return (
            f"{self.taps} taps in {self.seconds:.0f} s: p95 to the answer {self.answer * 1000:.0f} ms, to the screen "
            f"{self.screen * 1000:.0f} ms; cores: bot {cores[0]}, its children {cores[1]}, stand-in {cores[2]}; "
            f"{self.bot_cpu / max(1, self.taps) * 1000:.1f} ms of the bot a tap"
        )


async def taps_for(crowd: Crowd, seconds: float) -> None:
    """Everybody taps as soon as they are free."""
    ends = time.time() + seconds
    while (now := time.time()) < ends:
        for guest in crowd.guests.values():
            if guest.is_free(now) and guest.step >= 0:
                crowd.acts(guest)
        await asyncio.sleep(LOOK_SECONDS)


async def measured(crowd: Crowd, bot: BotProcess, seconds: float) -> Stretch:
    """A stretch of everybody's taps."""
    began, cpu, children, own = time.time(), bot.cpu_seconds(), bot.children_cpu_seconds(), time.process_time()
    await taps_for(crowd, seconds)
    now = time.time()
    timings = [t for guest in crowd.guests.values() for t in guest.timings if began <= t.pressed < now]
    return Stretch(
        p95([t.answer_seconds(now) for t in timings]),
        p95([t.screen_seconds(now) for t in timings]),
        len(timings),
        bot.cpu_seconds() - cpu,
        bot.children_cpu_seconds() - children,
        time.process_time() - own,
        now - began,
    )


async def arrive(crowd: Crowd, count: int, seconds: float) -> None:
    """So many people come in, one after another, and begin."""
    for _ in range(count):
        crowd.acts(crowd.arrives())
        await taps_for(crowd, seconds / count)


@dataclass
class Ramp:
    """How the rate grew until it was too much: of the last window that held."""

    rate: float = 0.0  # taps a second
    bot_cores: float = 0.0
    stand_in_cores: float = 0.0


def taps_due(seconds: float) -> float:
    """How many taps there should have been after so long: the rate doubles again and again."""
    return RAMP_BEGINS * DOUBLES_EVERY_SECONDS / math.log(2) * (2 ** (seconds / DOUBLES_EVERY_SECONDS) - 1)


async def ramp(crowd: Crowd, bot: BotProcess) -> Ramp:
    """Ever more people, until p95 of a window passes a second."""
    began, timings, held = time.time(), list[Timing](), Ramp()
    while (window := time.time()) - began < RAMP_MOST_SECONDS:
        cpu, own, count = bot.cpu_seconds(), time.process_time(), len(timings)
        while (now := time.time()) - window < WINDOW_SECONDS:
            free = [guest for guest in crowd.guests.values() if guest.is_free(now)]
            for _ in range(int(taps_due(now - began)) - len(timings)):
                timings.append(crowd.acts(free.pop() if free else crowd.arrives()))
            await asyncio.sleep(LOOK_SECONDS)
        seen = [t for t in timings if window - TOO_SLOW_SECONDS <= t.pressed < now - TOO_SLOW_SECONDS]
        if seen and p95([t.screen_seconds(now) for t in seen]) > TOO_SLOW_SECONDS:
            break
        span = now - window
        held = Ramp((len(timings) - count) / span, (bot.cpu_seconds() - cpu) / span, (time.process_time() - own) / span)
    return held


async def records(crowd: Crowd, folder: Path) -> Path:
    """Guides of each language walk round once; what they saw becomes the plain bot's replies."""
    walks = await asyncio.gather(*(walked(crowd, language) for language in LANGUAGES))
    script = folder / "replies.json"
    recorded = {"replies": dict(zip(LANGUAGES, walks, strict=True)), "begins_again_at": len(ARRIVAL)}
    script.write_text(json.dumps(recorded))
    return script


async def walked(crowd: Crowd, language: str) -> list[dict[str, object]]:
    """What one guide sees, screen by screen."""
    guide, replies = crowd.arrives(language), list[dict[str, object]]()
    for _ in range(1 + len(ARRIVAL) + len(CIRCLE)):
        crowd.acts(guide)
        assert guide.current is not None
        while not guide.current.is_over:
            await asyncio.sleep(LOOK_SECONDS)
        replies.append(reply_of(crowd, guide))
        await asyncio.sleep(0.7)
    del crowd.guests[guide.person.id]
    return replies


def reply_of(crowd: Crowd, guide: Guest) -> dict[str, object]:
    """What the guide sees now, for the plain bot to say."""
    assert guide.screen is not None
    assert guide.current is not None
    wired = Wired.de_json(answers.wire_message(crowd, guide.screen), None)
    rows = (
        [[(b.text, b.callback_data) for b in row] for row in wired.reply_markup.inline_keyboard]
        if wired.reply_markup
        else []
    )
    photo = ""
    if guide.screen.photo:
        photo = str(crowd.files.path(crowd.files.known[guide.screen.photo[-1]]))
    toast = guide.current.tap.text if guide.current.tap else ""
    return {"text": wired.caption_html if photo else wired.text_html, "rows": rows, "photo": photo, "toast": toast}


async def measure(folder: Path) -> list[Line]:
    """Everything."""
    crowd = Crowd(folder / "ours-chat")
    async with served(crowd) as address, bot_process("bot", address, folder / "ours") as bot:
        script = await records(crowd, folder)
        await arrive(crowd, PEOPLE, ARRIVE_SECONDS)
        await taps_for(crowd, SETTLE_SECONDS)
        calm = await measured(crowd, bot, STEADY_SECONDS)
        print("calm:", calm, file=sys.stderr)
        flooder = crowd.add_person("Flooder", "en")
        for n in range(FLOOD):
            crowd.hear(crowd.drafted(flooder.id, flooder.id, text=f"hello {n}"))
        flooded = await measured(crowd, bot, STEADY_SECONDS)
        print("beside a flood:", flooded, file=sys.stderr)
    ours = await highest(folder, "ours", "bot")
    bare = await highest(folder, "bare", "bench.crowd.bare", str(script))
    return [*stated(calm, flooded), compared(ours, bare)]


async def highest(folder: Path, name: str, module: str, *arguments: str) -> Ramp:
    """The rate that a bot holds."""
    crowd = Crowd(folder / f"{name}-ramp")
    async with served(crowd) as address, bot_process(module, address, folder / f"{name}-data", *arguments) as bot:
        await arrive(crowd, 20, 2)
        await taps_for(crowd, 3)
        found = await ramp(crowd, bot)
    print(f"{name}: {found}", file=sys.stderr)
    return found


def stated(calm: Stretch, flooded: Stretch) -> list[Line]:
    """What must stay below a stated time."""
    moved = max(flooded.answer - calm.answer, flooded.screen - calm.screen, 0.0)
    what = f"{PEOPLE} people, {calm.taps / calm.seconds:.0f} taps/s, p95"
    return [
        Line(what, seconds, other, wanted, seconds / wanted, "< 1", seconds < wanted, calm.taps)
        for what, seconds, other, wanted in (
            (f"{what}: tap to answer", calm.answer, "the stated seconds", ANSWER_SECONDS),
            (f"{what}: tap to screen", calm.screen, "the stated seconds", SCREEN_SECONDS),
            (f"{FLOOD} messages of one move it by", moved, "the stated seconds", FLOOD_SECONDS),
        )
    ]


def compared(ours: Ramp, bare: Ramp) -> Line:
    """The highest rates whose p95 stays under a second, as seconds a tap."""
    a, b = (1 / max(rate, 1.0) for rate in (ours.rate, bare.rate))  # where not even the first window held: 1 s a tap
    ratio = a / b
    what = f"a tap at the most that holds ({ours.rate:.0f}/s)"
    other = f"plain python-telegram-bot ({bare.rate:.0f}/s)"
    return Line(what, a, other, b, ratio, f"≤ {MOST_RATIO:g}", ratio <= MOST_RATIO, 1)


def main() -> list[Line]:
    """The lines."""
    with tempfile.TemporaryDirectory() as where:
        return asyncio.run(measure(Path(where)))
