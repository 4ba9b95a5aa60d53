"""The way through: what a command, a tap, a text or a file does, and what is shown then.

Everything runs inside one `store.write()` of the caller. Knows no Telegram.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace

from bot.rules.access import is_admin, owns
from bot.rules.written import readable
from bot.screens import SCREEN, Notice, Reply, Retire, Screen
from bot.steps import STEPS, account, home, pasted
from bot.steps.actions import Action, Good, does
from bot.steps.moves import BACK_IS_HOME, Event, MoveRefused
from bot.steps.step import Messages
from bot.steps.walk import Turn, Walk
from bot.taps import Tap, Verb
from storage.errors import CannotWrite, JobConflict, PromptRefused, QuotaReached, StylesealError
from storage.states import Step

REFUSALS = (QuotaReached, CannotWrite, PromptRefused)  # each has a sentence of its name
PAGES = {"privacy": "privacy.text", "help": "help.text"}


async def on_command(walk: Walk, name: str) -> Reply:
    """What a slash command shows."""
    screens: dict[str, Callable[[Walk], Awaitable[Screen]]] = {
        "start": home.show,
        "quests": home.quests,
        "queue": home.queue,
        "settings": account.settings,
        "forget": account.forgetting,
    }
    if name in screens:
        return Reply(messages=(await screens[name](walk),))
    if name in PAGES:
        return Reply(messages=(account.page(walk, PAGES[name]),))
    if name == "language":
        return Reply(messages=(account.language(walk),))
    if name == "export":
        return await _reply(walk, await account.export_asked(walk))
    text = await home.cancel_newest(walk) if name == "cancel" else walk.words("command.unknown")
    return Reply(messages=(Notice(text=text),))


async def on_tap(walk: Walk, tap: Tap, action: Action) -> Reply:
    """What a button does. An old keyboard does nothing but show where the person stands now."""
    try:
        return await _reply(walk, await _act(walk, tap, action))
    except (MoveRefused, JobConflict):
        return await _stale(walk)
    except REFUSALS as error:
        return Reply(toast=walk.words.plain(_refusal(error), **error.facts), alert=True, refused=True)
    except (ValueError, IndexError):  # an argument that no button of ours has
        return Reply(toast=walk.words.plain("tap.unreadable"), alert=True)


def _refusal(error: StylesealError) -> str:
    """Its sentence; a disk that takes nothing is said of what was not begun, not of what waits."""
    return f"{'refused' if isinstance(error, CannotWrite) else 'error'}.{type(error).__name__}"


async def _act(walk: Walk, tap: Tap, action: Action) -> Turn:
    if action.good is Good.ADMIN and not is_admin(walk.person, walk.admins):
        return Turn(toast=walk.words.plain("tap.unreadable"), screen=False)
    if action.good in (Good.ADMIN, Good.ALWAYS):
        return await action.act(walk, tap)
    if action.good is Good.QUEST:
        return await _for_its_quest(walk, tap, action)
    if not _is_good(walk, tap, action):
        raise MoveRefused(verb=tap.verb)
    before = walk.here.step
    return await _entered(walk, await action.act(walk, tap), before)


def _is_good(walk: Walk, tap: Tap, action: Action) -> bool:
    """Whether this button may act where the quest stands."""
    if walk.quest is None or walk.here.step not in action.steps:
        return False
    return walk.is_current(tap) or (action.good is Good.STEP and tap.stamp.quest == walk.here.id)


async def _for_its_quest(walk: Walk, tap: Tap, action: Action) -> Turn:
    quest = await walk.store.quests.find(tap.stamp.quest)
    if quest is None or not owns(walk.person, quest):
        return walk.refuses("job.over")
    return await action.act(replace(walk, quest=quest), tap)


async def back(walk: Walk) -> Turn:
    """One place back; from where work goes on, and from the first place, that is home."""
    if walk.place in BACK_IS_HOME:
        return await home.shown(walk)
    await STEPS[walk.here.step].on_leave(walk)
    await walk.move(Event.BACK)
    return Turn()


async def _entered(walk: Walk, turn: Turn, before: Step) -> Turn:
    """Lets every step that was reached do what it does at its door; one may pass on to the next."""
    messages = turn.messages
    while walk.here.step is not before:
        before = walk.here.step
        messages += await STEPS[before].on_enter(walk)
    return replace(turn, messages=messages)


async def on_text(walk: Walk, text: str) -> Reply:
    """A text answers what the screen asks for; where nothing is asked, the screen says what can be done.

    Here every text of a person enters, and here it is made readable.
    """
    text = readable(text).strip()
    if walk.quest is None:
        return Reply(messages=(await home.show(walk),))
    try:
        turn = await pasted.offered(walk, text) if text else None
        if turn is None and text:
            turn = await STEPS[walk.here.step].on_text(walk, text)
    except REFUSALS as error:
        turn = walk.says(_refusal(error), **error.facts)
    except (MoveRefused, JobConflict):
        turn = None
    if turn is None:
        turn = Turn(messages=(Notice(text=walk.words("text.not_asked")),))
    return await _reply(walk, turn)


async def on_file(walk: Walk) -> Reply:
    """Pictures and documents of one's own come with a later version; a sentence until then."""
    return Reply(messages=(Notice(text=walk.words("file.not_yet")),))


async def current(walk: Walk, *, fresh: bool) -> Messages:
    """The screen of where the quest stands."""
    screen = await STEPS[walk.here.step].show(walk)
    if screen.slot != SCREEN:  # work is under way: its status stands for the screen
        return (Retire(slot=SCREEN), replace(screen, fresh=fresh))
    return (replace(screen, fresh=fresh or screen.fresh),)


async def _stale(walk: Walk) -> Reply:
    if walk.quest is None:
        return Reply(toast=walk.words.plain("tap.old"), messages=(await home.show(walk),))
    where = walk.words.plain(f"step.{walk.here.step}")
    return Reply(toast=walk.words.plain("tap.stale", step=where), messages=await current(walk, fresh=False))


async def _reply(walk: Walk, turn: Turn) -> Reply:
    messages = turn.messages
    if turn.screen:
        messages += await current(walk, fresh=turn.fresh) if walk.quest else (await home.show(walk),)
    return Reply(toast=turn.toast, alert=turn.alert, messages=messages)


TAPS = {Verb.NAV_BACK: does(back, also_in=Step)}
