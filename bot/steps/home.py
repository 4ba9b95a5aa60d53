"""Outside the quest: home, the list of quests, the queue, an example."""

from __future__ import annotations

from bot.library import EXAMPLE
from bot.rules.access import owns
from bot.rules.lengths import ELLIPSIS, cut
from bot.rules.palette import TARGETS
from bot.rules.progress import clock_time
from bot.screens import Asset, Row, Screen
from bot.steps import status
from bot.steps.actions import Good, does, one_of
from bot.steps.silence import why_silent
from bot.steps.walk import Turn, Walk
from bot.taps import Verb
from storage.records import Job, Quest
from storage.states import LIVE_STATES, JobState, Stage, Step

LISTED = 10  # quests on one screen, the last touched first
ASK, YES = "ask", "yes"  # before a quest is deleted
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
    target = TARGETS[quest.style.kind]
    values = {"name": _name(walk, quest), "kept": len(await walk.palette()), "least": target.least, "most": target.most}
    return walk.words(f"home.step.{quest.step}", **values)


def _name(walk: Walk, quest: Quest) -> str:
    return quest.name or walk.words.plain("home.unnamed")


async def shown(walk: Walk) -> Turn:
    """Where the person stands."""
    return Turn(messages=(await show(walk),), screen=False)


async def begun(walk: Walk) -> Turn:
    """A new quest; one that nothing was chosen for yet is taken up instead of piling up another."""
    untouched = walk.quest is not None and (walk.here.step, walk.here.stage) == (Step.STYLE, Stage.KIND)
    if not untouched:
        walk.quest = await walk.store.quests.begin(walk.person.id, walk.person.chat_id)
    return Turn()


async def opened(walk: Walk, quest_id: int) -> Turn:
    """Another quest of the person's, where it was left."""
    quest = await walk.store.quests.find(quest_id)
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
                walk.button("home.delete", Verb.QUEST_DELETE, quest.id, ASK),
            )
        )
    rows.append((walk.button("home.new", Verb.QUEST_NEW), walk.button("nav.home", Verb.NAV_HOME)))
    return Screen(text=walk.words("home.quests.title", count=len(found)), rows=tuple(rows))


async def listed(walk: Walk) -> Turn:
    """The list of quests."""
    return Turn(messages=(await quests(walk),), screen=False)


async def deleted(walk: Walk, quest_id: int, answer: str = ASK) -> Turn:
    """Asks, and only then deletes a quest with everything that belongs to it."""
    quest = await walk.store.quests.find(quest_id)
    if quest is None or not owns(walk.person, quest):
        return walk.refuses("quest.gone")
    if answer == ASK:
        rows: tuple[Row, ...] = (
            (walk.button("quest.delete.no", Verb.QUEST_LIST, look="primary"),),
            (walk.button("quest.delete.yes", Verb.QUEST_DELETE, quest.id, YES, look="danger"),),
        )
        text = walk.words("quest.delete.ask", name=_name(walk, quest))
        return Turn(messages=(Screen(text=text, rows=rows),), screen=False)
    for job in await walk.store.queue.of_quest(quest.id):
        await walk.store.queue.cancel(job.id)
    await walk.store.quests.delete(quest.id)
    walk.quest = await walk.store.quests.current(walk.person.id)
    return Turn(toast=walk.words.plain("quest.deleted"), messages=(await quests(walk),), screen=False)


async def example_shown(walk: Walk) -> Turn:
    """A finished quest in one picture."""
    picture = Asset(path=EXAMPLE) if walk.library.has_example else None
    rows: tuple[Row, ...] = ((walk.button("home.begin", Verb.QUEST_NEW, look="primary"),), walk.way_home())
    return Turn(messages=(Screen(text=walk.words("home.example.text"), picture=picture, rows=rows),), screen=False)


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
    return Screen(text="\n".join(lines), rows=(*rows, walk.way_home()))


async def _queued(walk: Walk, job: Job) -> str:
    kind = walk.words(f"queue.kind.{job.kind}")
    if job.state is JobState.RUNNING:
        return walk.words("queue.running", kind=kind, done=job.progress.done, total=job.progress.total)
    before, seconds = await status.place(walk, job)
    return walk.words("queue.waiting", kind=kind, before=before, wait=clock_time(seconds))


async def job_canceled(walk: Walk, job_id: int) -> Turn:
    """Ends one job of the person's own."""
    job = await walk.store.queue.find(job_id)
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
    Verb.NAV_HOME: does(shown, good=Good.ALWAYS),
    Verb.QUEST_NEW: does(begun, good=Good.ALWAYS),
    Verb.QUEST_OPEN: does(opened, int, good=Good.ALWAYS),
    Verb.QUEST_LIST: does(listed, good=Good.ALWAYS),
    Verb.QUEST_DELETE: does(deleted, int, one_of(ASK, YES), optional=True, good=Good.ALWAYS),
    Verb.QUEST_EXAMPLE: does(example_shown, good=Good.ALWAYS),
    Verb.JOB_CANCEL: does(job_canceled, int, good=Good.ALWAYS),
}
