"""What concerns the person, not a quest: language, settings, pages to read, forgetting, a copy of everything."""

from __future__ import annotations

from dataclasses import replace

from bot.rules.access import owns
from bot.screens import Notice, Row, Screen
from bot.steps import home
from bot.steps.actions import Good, does, one_of
from bot.steps.walk import Turn, Walk
from bot.taps import Verb
from bot.words import LANGUAGES, OWN_NAMES, Words


def language(walk: Walk) -> Screen:
    """The languages, each by its own name."""
    rows: list[Row] = [
        (walk.labelled(("✓ " if code == walk.words.language else "") + OWN_NAMES[code], Verb.LANGUAGE_SET, code),)
        for code in LANGUAGES
    ]
    return Screen(text=walk.words("language.ask"), rows=(*rows, walk.way_home()))


async def language_asked(walk: Walk) -> Turn:
    """Which language."""
    return Turn(messages=(language(walk),), screen=False)


async def language_chosen(walk: Walk, code: str) -> Turn:
    """From now on in this language."""
    walk.person = await walk.store.people.save(replace(walk.person, language=code))
    walk.words = Words(code)
    return Turn(toast=OWN_NAMES[code], messages=(await home.show(walk),), screen=False)


async def settings(walk: Walk) -> Screen:
    """Language, machine, and what is kept of the person."""
    machine = walk.machine
    held = await walk.store.people.holdings(walk.person.id)
    text = walk.words(
        "settings.text",
        language=OWN_NAMES[walk.words.language],
        model=machine.model.name if machine else "–",
        device=machine.device if machine else "–",
        quests=held.quests,
        pictures=held.pictures,
        megabytes=f"{held.bytes / 1e6:.1f}",
    )
    rows: tuple[Row, ...] = (
        (walk.button("home.language", Verb.LANGUAGE_OPEN),),
        (walk.button("settings.export", Verb.EXPORT_ALL), walk.button("settings.forget", Verb.FORGET_ASK)),
        walk.way_home(),
    )
    return Screen(text=text, rows=rows)


def page(walk: Walk, key: str) -> Screen:
    """A page of text with the way home."""
    return Screen(text=walk.words(key), rows=(walk.way_home(),))


async def forgetting(walk: Walk) -> Screen:
    """What is held, and whether all of it shall go."""
    held = await walk.store.people.holdings(walk.person.id)
    values = {"quests": held.quests, "pictures": held.pictures, "seals": held.seals}
    rows: tuple[Row, ...] = (
        (walk.button("forget.no", Verb.NAV_HOME, look="primary"),),
        (walk.button("settings.export", Verb.EXPORT_ALL),),
        (walk.button("forget.yes", Verb.FORGET_YES, look="danger"),),
    )
    return Screen(text=walk.words("forget.ask", megabytes=f"{held.bytes / 1e6:.1f}", **values), rows=rows)


async def forget_asked(walk: Walk) -> Turn:
    """Asks again before anything goes."""
    return Turn(messages=(await forgetting(walk),), screen=False)


async def forgotten(walk: Walk) -> Turn:
    """Everything of the person goes: work under way first, then rows and files."""
    for job in await walk.store.queue.live():
        if owns(walk.person, job):
            await walk.store.queue.cancel(job.id)
    await walk.store.people.forget(walk.person.id)
    walk.quest = None
    return Turn(messages=(Screen(text=walk.words("forget.done")),), screen=False)


async def export_asked(walk: Walk) -> Turn:
    """Asks for everything that is kept of the person; it is packed beside everything else, see telegram.packing."""
    is_new = await walk.store.people.ask_export(walk.person.id)
    text = walk.words("export.asked" if is_new else "export.under_way")
    return Turn(messages=(Notice(text=text),), screen=False)


TAPS = {
    Verb.LANGUAGE_OPEN: does(language_asked, good=Good.ALWAYS),
    Verb.LANGUAGE_SET: does(language_chosen, one_of(*LANGUAGES), good=Good.ALWAYS),
    Verb.FORGET_ASK: does(forget_asked, good=Good.ALWAYS),
    Verb.FORGET_YES: does(forgotten, good=Good.ALWAYS),
    Verb.EXPORT_ALL: does(export_asked, good=Good.ALWAYS),
}
