"""The way through: what a command, a tap, a text or a job's news does, and what is shown then.

Everything runs inside one `store.write()` of the caller. Knows no Telegram.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace

from bot.rules.access import owns
from bot.rules.written import readable
from bot.screens import Message, Notice, Reply, Retire, Screen
from bot.steps import STEPS, home, hunt, pasted, status
from bot.steps.moves import JOURNEY as JOURNEY
from bot.steps.walk import Turn, Walk, quest_of
from bot.taps import Tap, Verb
from storage.errors import CannotWrite, JobConflict, MoveRefused, PromptRefused, QuotaReached, StylesealError
from storage.records import Job
from storage.states import LIVE_STATES, JobKind, JobState, Stage, Step

Handler = Callable[[Walk, Tap], Awaitable[Turn]]

HANDLERS: dict[Verb, Handler] = {verb: handler for step in STEPS.values() for verb, handler in step.TAPS.items()}
STEP_OF: dict[Verb, Step] = {verb: step for step, module in STEPS.items() for verb in module.TAPS}
# A verb acts in its own step; these may be tapped from another one too.
ALSO_IN: dict[Verb, Step] = {
    Verb.STYLE_WORDS: Step.HUNT,
    Verb.PAYLOAD_MORE: Step.CURATION,
    Verb.SEAL_CHOICE: Step.TRYING,
    Verb.SEAL_PICK: Step.TRYING,
}
# These name what they act on, so an older keyboard of the same step is as good as the newest.
EXPLICIT = frozenset(
    {
        Verb.HUNT_PICK,
        Verb.CURATE_KEEP,
        Verb.CURATE_REJECT,
        Verb.SEAL_PICK,
        Verb.TRY_STRENGTH,
        Verb.TRY_SWEEP,
        Verb.TRY_COMPARE,
        Verb.TAKE_LORA,
        Verb.TAKE_DATASET,
        Verb.TAKE_CARD,
    }
)
PASTED = frozenset({Verb.PASTED_TAKE, Verb.PASTED_PLAIN, Verb.PASTED_DROP})
STOPS = frozenset(
    {Verb.PAYLOAD_STOP, Verb.TRAIN_STOP, Verb.TRAIN_SAMPLE}
)  # on status messages, whatever quest is current
STEP_OF_JOB: dict[JobKind, Step] = {
    JobKind.HUNT: Step.HUNT,
    JobKind.COMPARE: Step.HUNT,
    JobKind.PAYLOAD: Step.PAYLOAD,
    JobKind.TRAINING: Step.TRAINING,
    JobKind.TRYING: Step.TRYING,
    JobKind.EXPORT: Step.TRYING,
}
REFUSALS = (QuotaReached, CannotWrite, PromptRefused)  # each has a sentence of its name
PAGES = {"privacy": "privacy.text", "help": "help.text"}


async def command(walk: Walk, name: str, _argument: str = "") -> Reply:
    """What a slash command shows."""
    screens: dict[str, Callable[[Walk], Awaitable[Screen]]] = {
        "start": home.show,
        "quests": home.quests,
        "queue": home.queue,
        "settings": home.settings,
        "forget": home.forgetting,
    }
    if name in screens:
        return Reply(shows=(await screens[name](walk),))
    if name in PAGES:
        return Reply(shows=(home.told(walk, PAGES[name]),))
    if name == "language":
        return Reply(shows=(home.language(walk),))
    if name == "export":
        return await _reply(walk, await home.export(walk))
    text = await home.cancel_newest(walk) if name == "cancel" else walk.words("command.unknown")
    return Reply(shows=(Notice(text=text),))


async def tapped(walk: Walk, tap: Tap) -> Reply:
    """What a button does. An old keyboard does nothing but show where the person stands now."""
    try:
        return await _reply(walk, await _act(walk, tap))
    except (MoveRefused, JobConflict):
        return await _stale(walk)
    except REFUSALS as error:
        return Reply(toast=walk.words.plain(_refusal(error), **error.facts), alert=True, refused=True)
    except (ValueError, IndexError):  # an argument that no button of ours has
        return Reply(toast=walk.words.plain("tap.unreadable"), alert=True)


def _refusal(error: StylesealError) -> str:
    """Its sentence; a disk that takes nothing is said of what was not begun, not of what waits."""
    return f"{'refused' if isinstance(error, CannotWrite) else 'error'}.{type(error).__name__}"


async def _act(walk: Walk, tap: Tap) -> Turn:
    if tap.verb in home.TAPS:
        return await home.TAPS[tap.verb](walk, tap)
    if tap.verb is Verb.NAV_HOME:
        return Turn(before=(await home.show(walk),), screen=False)
    if tap.verb in STOPS:
        return await _stop(walk, tap)
    if walk.quest is None or not _acts_here(walk, tap):
        raise MoveRefused(verb=tap.verb)
    if tap.verb is Verb.NAV_BACK:
        return await _back(walk)
    before = walk.here.step
    turn = await (_pasted(walk, tap) if tap.verb in PASTED else HANDLERS[tap.verb](walk, tap))
    return await _entered(walk, turn, before)


def _acts_here(walk: Walk, tap: Tap) -> bool:
    """Whether this button may act where the quest stands."""
    if tap.verb is Verb.NAV_BACK or tap.verb in PASTED:
        return walk.is_current(tap)
    if walk.here.step not in (STEP_OF.get(tap.verb), ALSO_IN.get(tap.verb)):
        return False
    return walk.is_current(tap) or (tap.verb in EXPLICIT and quest_of(tap) == walk.here.id)


async def _pasted(walk: Walk, tap: Tap) -> Turn:
    """What waits is taken as it was read, counts as plain words, or is dropped; its card goes in any case."""
    found, text, step = pasted.waiting(walk), walk.here.pasted, STEPS[walk.here.step]
    if found is None:
        raise MoveRefused(verb=tap.verb)
    await walk.stay(pasted="")
    gone = (Retire(slot=pasted.SLOT),)
    if tap.verb is Verb.PASTED_DROP:
        return Turn(before=gone, fresh=True)
    if tap.verb is Verb.PASTED_TAKE and hasattr(step, "took"):
        turn: Turn | None = await step.took(walk, found)
    else:
        turn = await getattr(step, "wrote")(walk, found.prompt if tap.verb is Verb.PASTED_TAKE else text)  # noqa: B009
    turn = turn or walk.says("text.not_asked")
    return replace(turn, before=(*gone, *turn.before), fresh=True)


async def _back(walk: Walk) -> Turn:
    step, stage = walk.place
    if (step, stage) == (Step.HUNT, Stage.DRAWING):
        await hunt.left(walk)
    if not await walk.back():
        return Turn(before=(await home.show(walk),), screen=False)
    return await _entered(walk, Turn(), step)


async def _stop(walk: Walk, tap: Tap) -> Turn:
    quest = await walk.store.quests.find(quest_of(tap))
    if quest is None or not owns(walk.person, quest):
        return walk.refuses("job.over")
    return await HANDLERS[tap.verb](replace(walk, quest=quest), tap)


async def _entered(walk: Walk, turn: Turn, before: Step) -> Turn:
    """Lets every step that was reached do what it does at its door; one may pass on to the next."""
    messages = turn.before
    while walk.here.step is not before:
        before = walk.here.step
        enter = getattr(STEPS[before], "enter", None)
        if enter is not None:
            messages += await enter(walk)
    return replace(turn, before=messages)


async def wrote(walk: Walk, text: str) -> Reply:
    """A text answers what the screen asks for; where nothing is asked, the screen says what can be done.

    Here every text of a person enters, and here it is made readable.
    """
    text = readable(text).strip()
    if walk.quest is None:
        return Reply(shows=(await home.show(walk),))
    answer = getattr(STEPS[walk.here.step], "wrote", None)
    try:
        turn = await pasted.offered(walk, text) if text else None
        if turn is None and answer is not None and text:
            turn = await answer(walk, text)
    except REFUSALS as error:
        turn = walk.says(_refusal(error), **error.facts)
    except (MoveRefused, JobConflict):
        turn = None
    if turn is None:
        turn = Turn(before=(Notice(text=walk.words("text.not_asked")),))
    return await _reply(walk, turn)


async def sent_file(walk: Walk) -> Reply:
    """Pictures and documents of one's own come with a later version; a sentence until then."""
    return Reply(shows=(Notice(text=walk.words("file.not_yet")),))


async def refresh(walk: Walk) -> Reply:
    """The current screen."""
    if walk.quest is None:
        return Reply(shows=(await home.show(walk),))
    return Reply(shows=await _current(walk, fresh=False))


async def arrived(walk: Walk, job: Job) -> tuple[Message, ...]:
    """What a job's news shows: its status while it lives, then its results, or what is kept and what to do."""
    quest = await walk.store.quests.find(job.quest) if job.quest else None
    if quest is None:
        return ()
    own = replace(walk, quest=quest)
    if job.state in LIVE_STATES:
        return () if job.kind is JobKind.EXPORT else (await status.live(own, job),)
    module = STEPS[STEP_OF_JOB[job.kind]]
    before = own.here.rev
    is_done = job.state is JobState.DONE
    messages: tuple[Message, ...] = await (module.came if is_done else module.lost)(own, job)
    is_current = walk.person.current_quest in (None, quest.id)
    if not is_current and job.kind is not JobKind.EXPORT:
        return (await _elsewhere(own, job),)
    if own.here.rev != before and not any(isinstance(m, Screen) and m.slot == "screen" for m in messages):
        messages += await _current(own, fresh=True)
    if job.kind is JobKind.EXPORT:
        said = messages if is_done else (Notice(text=status.sentence(own, job)),)
        return (*said, *(await _current(own, fresh=True))) if is_current and await _all_taken(own) else said
    return (await status.ended(own, job), *messages)


async def _all_taken(walk: Walk) -> bool:
    """Whether nothing more is on its way home: then the keys follow the files, so that they stay in view."""
    jobs = await walk.store.queue.of_quest(walk.here.id, JobKind.EXPORT)
    return not any(job.state in LIVE_STATES for job in jobs)


async def _elsewhere(walk: Walk, job: Job) -> Screen:
    """The news of a quest the person is not on now: one line, and the way there."""
    rows = ((walk.button("home.go_on", Verb.QUEST_OPEN, walk.here.id),),)
    screen = await status.ended(walk, job, rows=rows)
    return replace(screen, text=walk.words("status.elsewhere", name=walk.here.name) + "\n" + screen.text)


async def _current(walk: Walk, *, fresh: bool) -> tuple[Message, ...]:
    screen = await STEPS[walk.here.step].show(walk)
    if screen.slot != "screen":  # work is under way: its status stands for the screen
        return (Retire(slot="screen"), replace(screen, fresh=fresh))
    return (replace(screen, fresh=fresh or screen.fresh),)


async def _stale(walk: Walk) -> Reply:
    if walk.quest is None:
        return Reply(toast=walk.words.plain("tap.old"), shows=(await home.show(walk),))
    where = walk.words.plain(f"step.{walk.here.step}")
    return Reply(toast=walk.words.plain("tap.stale", step=where), shows=await _current(walk, fresh=False))


async def _reply(walk: Walk, turn: Turn) -> Reply:
    shows = turn.before
    if turn.screen:
        shows += await _current(walk, fresh=turn.fresh) if walk.quest else (await home.show(walk),)
    return Reply(toast=turn.toast, alert=turn.alert, shows=shows)
