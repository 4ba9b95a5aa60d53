"""`python -m bench.crowd`: two hundred people at once, one who floods, and how many at most; as a table."""

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
from bot.rehearsal import answers

PEOPLE = 200
ARRIVE_SECONDS = 8.0
SETTLE_SECONDS = 6.0
STEADY_SECONDS = 20.0
FLOOD = 300  # messages
RAMP_BEGINS = 20.0  # taps a second
DOUBLES_EVERY_SECONDS = 10.0
RAMP_MOST_SECONDS = 50.0
WINDOW_SECONDS = 2.0
TOO_SLOW_SECONDS = 1.0
ANSWER_SECONDS, SCREEN_SECONDS = 0.150, 1.0


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
    replies: dict[str, list[dict[str, object]]] = {}
    for language in LANGUAGES:
        guide = crowd.arrives(language)
        replies[language] = []
        for _ in range(1 + len(ARRIVAL) + len(CIRCLE)):
            crowd.acts(guide)
            assert guide.current is not None
            while not guide.current.is_over:
                await asyncio.sleep(LOOK_SECONDS)
            replies[language].append(reply_of(crowd, guide))
            await asyncio.sleep(0.7)
        del crowd.guests[guide.person.id]
    script = folder / "replies.json"
    script.write_text(json.dumps({"replies": replies, "begins_again_at": len(ARRIVAL)}))
    return script


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


async def measure(folder: Path) -> None:
    """Everything."""
    crowd = Crowd(folder / "ours-chat")
    async with served(crowd) as address, bot_process("bot", address, folder / "ours") as bot:
        script = await records(crowd, folder)
        await arrive(crowd, PEOPLE, ARRIVE_SECONDS)
        await taps_for(crowd, SETTLE_SECONDS)
        print("ours:", await measured(crowd, bot, STEADY_SECONDS), file=sys.stderr)
        if "--flood" in sys.argv:
            flooder = crowd.add_person("Flooder", "en")
            for n in range(FLOOD):
                crowd.hear(crowd.drafted(flooder.id, flooder.id, text=f"hello {n}"))
            print("flood:", await measured(crowd, bot, STEADY_SECONDS), file=sys.stderr)
        if "--ramp" not in sys.argv:
            return
    for name, module, arguments in (("ours", "bot", ()), ("bare", "bench.crowd.bare", (str(script),))):
        crowd = Crowd(folder / f"{name}-ramp")
        async with served(crowd) as address, bot_process(module, address, folder / name, *arguments) as bot:
            await arrive(crowd, 20, 2)
            await taps_for(crowd, 3)
            print(name, await ramp(crowd, bot), file=sys.stderr)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as where:
        asyncio.run(measure(Path(where)))
