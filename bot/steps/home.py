"""Outside the quest: home, the list of quests, language, settings, privacy, forgetting, exporting, the queue, help."""

from __future__ import annotations

from dataclasses import replace

from bot.library import EXAMPLE
from bot.rules.access import owns
from bot.rules.lengths import ELLIPSIS, cut
from bot.rules.palette import TARGETS
from bot.rules.progress import clock_time
from bot.screens import Asset, Notice, Row, Screen
from bot.steps import status
from bot.steps.silence import why_silent
from bot.steps.walk import Turn, Walk
from bot.taps import Tap, Verb
from bot.words import LANGUAGES, OWN_NAMES, Words
from storage.records import Job, Quest
from storage.states import LIVE_STATES, JobState, Stage, Step, Verdict

LISTED = 10  # quests on one screen, the last touched first
NAME_LENGTH = 16  # UTF-16 units of a quest's name on a button


async def show(walk: Walk) -> Screen:
    """Where the person stands; at the first arrival, what this is."""
    if walk.quest is None or (walk.here.step, walk.here.stage) == (Step.STYLE, Stage.KIND):
        return _arrival(walk)
    rows: tuple[Row, ...] = (
        (walk.button("home.go_on", Verb.QUEST_OPEN, walk.here.id, look="primary"),),
        (walk.button("home.quests", Verb.QUEST_LIST), walk.button("home.new", Verb.QUEST_NEW)),
        (walk.button("home.language", Verb.LANGUAGE_OPEN), *_example_button(walk)),
    )
    return Screen(text=await standing(walk), rows=rows)


def _arrival(walk: Walk) -> Screen:
    rows: tuple[Row, ...] = (
        (walk.button("home.begin", Verb.QUEST_NEW, look="primary"),),
        (*_example_button(walk), walk.button("home.language", Verb.LANGUAGE_OPEN)),
    )
    picture = Asset(path=EXAMPLE) if walk.library.has_example else None
    return Screen(text=walk.words("home.arrival"), picture=picture, rows=rows)


def _example_button(walk: Walk) -> Row:
    return (walk.button("home.example", Verb.QUEST_EXAMPLE),) if walk.library.has_example else ()


async def standing(walk: Walk) -> str:
    """One sentence: what the person was doing on the current quest."""
    quest = walk.here
    kept = [c for c in await walk.store.candidates.of(quest.id) if c.verdict is Verdict.KEPT]
    target = TARGETS[quest.style.kind]
    values = {"name": _name(walk, quest), "kept": len(kept), "least": target.least, "most": target.most}
    return walk.words(f"home.step.{quest.step}", **values)


def _name(walk: Walk, quest: Quest) -> str:
    return quest.name or walk.words.plain("home.unnamed")


def _to_home(walk: Walk) -> Row:
    return (walk.button("nav.home", Verb.NAV_HOME),)


async def begun(walk: Walk, _tap: Tap) -> Turn:
    """A new quest; one that nothing was chosen for yet is taken up instead of piling up another."""
    untouched = walk.quest is not None and (walk.here.step, walk.here.stage) == (Step.STYLE, Stage.KIND)
    if not untouched:
        walk.quest = await walk.store.quests.begin(walk.person.id, walk.person.chat_id)
    return Turn()


async def opened(walk: Walk, tap: Tap) -> Turn:
    """Another quest of the person's, where it was left."""
    quest = await walk.store.quests.find(int(tap.args[0]))
    if quest is None or not owns(walk.person, quest):
        return walk.refuses("quest.gone")
    await walk.store.quests.make_current(walk.person.id, quest.id)
    walk.quest = quest
    return Turn(fresh=True)


async def quests(walk: Walk) -> Screen:
    """The person's quests."""
    found = (await walk.store.quests.of(walk.person.id))[:LISTED]
    rows: list[Row] = []
    for quest in found:
        name = _name(walk, quest)
        label = f"{cut(name, NAME_LENGTH, ending=ELLIPSIS)} · {walk.words.plain(f'step.{quest.step}')}"
        current = "▸ " if walk.quest and quest.id == walk.quest.id else ""
        rows.append(
            (
                walk.labelled(current + label, Verb.QUEST_OPEN, quest.id),
                walk.button("home.delete", Verb.QUEST_DELETE, quest.id, "ask"),
            )
        )
    rows.append((walk.button("home.new", Verb.QUEST_NEW), walk.button("nav.home", Verb.NAV_HOME)))
    return Screen(text=walk.words("home.quests.title", count=len(found)), rows=tuple(rows))


async def listed(walk: Walk, _tap: Tap) -> Turn:
    """The list of quests."""
    return Turn(before=(await quests(walk),), screen=False)


async def deleted(walk: Walk, tap: Tap) -> Turn:
    """Asks, and only then deletes a quest with everything that belongs to it."""
    quest = await walk.store.quests.find(int(tap.args[0]))
    if quest is None or not owns(walk.person, quest):
        return walk.refuses("quest.gone")
    if tap.args[1:] != ("yes",):
        rows: tuple[Row, ...] = (
            (walk.button("quest.delete.no", Verb.QUEST_LIST, look="primary"),),
            (walk.button("quest.delete.yes", Verb.QUEST_DELETE, quest.id, "yes", look="danger"),),
        )
        text = walk.words("quest.delete.ask", name=_name(walk, quest))
        return Turn(before=(Screen(text=text, rows=rows),), screen=False)
    for job in await walk.store.queue.of_quest(quest.id):
        await walk.store.queue.cancel(job.id)
    await walk.store.quests.delete(quest.id)
    walk.quest = await walk.store.quests.current(walk.person.id)
    return Turn(toast=walk.words.plain("quest.deleted"), before=(await quests(walk),), screen=False)


async def example_shown(walk: Walk, _tap: Tap) -> Turn:
    """A finished quest in one picture."""
    picture = Asset(path=EXAMPLE) if walk.library.has_example else None
    rows: tuple[Row, ...] = ((walk.button("home.begin", Verb.QUEST_NEW, look="primary"),), _to_home(walk))
    return Turn(before=(Screen(text=walk.words("home.example.text"), picture=picture, rows=rows),), screen=False)


def language(walk: Walk) -> Screen:
    """The languages, each by its own name."""
    rows: list[Row] = [
        (walk.labelled(("✓ " if code == walk.words.language else "") + OWN_NAMES[code], Verb.LANGUAGE_SET, code),)
        for code in LANGUAGES
    ]
    return Screen(text=walk.words("language.ask"), rows=(*rows, _to_home(walk)))


async def language_asked(walk: Walk, _tap: Tap) -> Turn:
    """Which language."""
    return Turn(before=(language(walk),), screen=False)


async def language_chosen(walk: Walk, tap: Tap) -> Turn:
    """From now on in this language."""
    if tap.args[0] not in LANGUAGES:
        return walk.refuses("tap.unreadable")
    walk.person = await walk.store.people.save(replace(walk.person, language=tap.args[0]))
    walk.words = Words(tap.args[0])
    return Turn(toast=OWN_NAMES[tap.args[0]], before=(await show(walk),), screen=False)


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
        _to_home(walk),
    )
    return Screen(text=text, rows=rows)


def told(walk: Walk, key: str) -> Screen:
    """A page of text with the way home."""
    return Screen(text=walk.words(key), rows=(_to_home(walk),))


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


async def forget_asked(walk: Walk, _tap: Tap) -> Turn:
    """Asks again before anything goes."""
    return Turn(before=(await forgetting(walk),), screen=False)


async def forgotten(walk: Walk, _tap: Tap) -> Turn:
    """Everything of the person goes: work under way first, then rows and files."""
    for job in await walk.store.queue.live():
        if owns(walk.person, job):
            await walk.store.queue.cancel(job.id)
    await walk.store.people.forget(walk.person.id)
    walk.quest = None
    return Turn(before=(Screen(text=walk.words("forget.done")),), screen=False)


async def export(walk: Walk) -> Turn:
    """Asks for everything that is kept of the person; it is packed beside everything else, see telegram.packing."""
    is_new = await walk.store.people.ask_export(walk.person.id)
    text = walk.words("export.asked" if is_new else "export.under_way")
    return Turn(before=(Notice(text=text),), screen=False)


async def export_asked(walk: Walk, _tap: Tap) -> Turn:
    """The same from a button."""
    return await export(walk)


async def queue(walk: Walk) -> Screen:
    """The person's work with place and seconds as two numbers, and how much others wait for."""
    live = await walk.store.queue.live()
    own = [job for job in live if owns(walk.person, job)]
    lines = [walk.words("queue.title", count=len(own), others=len(live) - len(own))]
    if not await walk.store.machine.alive():
        lines.append(await why_silent(walk.store, walk.words, "status.no_engine"))
    rows: list[Row] = []
    for number, job in enumerate(own, 1):
        lines.append(f"{number}. {await _queued(walk, job)}")
        rows.append((walk.button("queue.cancel", Verb.JOB_CANCEL, job.id, number=number),))
    return Screen(text="\n".join(lines), rows=(*rows, _to_home(walk)))


async def _queued(walk: Walk, job: Job) -> str:
    kind = walk.words(f"queue.kind.{job.kind}")
    if job.state is JobState.RUNNING:
        return walk.words("queue.running", kind=kind, done=job.progress.done, total=job.progress.total)
    before, seconds = await status.place(walk, job)
    return walk.words("queue.waiting", kind=kind, before=before, wait=clock_time(seconds))


async def job_canceled(walk: Walk, tap: Tap) -> Turn:
    """Ends one job of the person's own."""
    job = await walk.store.queue.find(int(tap.args[0]))
    if job is None or not owns(walk.person, job) or job.state not in LIVE_STATES:
        return walk.refuses("job.over")
    await walk.store.queue.cancel(job.id)
    return Turn(toast=walk.words.plain("status.canceling"), screen=False)


async def cancel_newest(walk: Walk) -> str:
    """Ends the person's newest job; says what happened."""
    own = [job for job in await walk.store.queue.live() if owns(walk.person, job)]
    if not own:
        return walk.words("cancel.nothing")
    await walk.store.queue.cancel(own[-1].id)
    return walk.words("cancel.done", kind=walk.words(f"queue.kind.{own[-1].kind}"))


TAPS = {
    Verb.QUEST_NEW: begun,
    Verb.QUEST_OPEN: opened,
    Verb.QUEST_LIST: listed,
    Verb.QUEST_DELETE: deleted,
    Verb.QUEST_EXAMPLE: example_shown,
    Verb.LANGUAGE_OPEN: language_asked,
    Verb.LANGUAGE_SET: language_chosen,
    Verb.FORGET_ASK: forget_asked,
    Verb.FORGET_YES: forgotten,
    Verb.EXPORT_ALL: export_asked,
    Verb.JOB_CANCEL: job_canceled,
}
