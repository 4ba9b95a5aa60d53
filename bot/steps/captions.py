"""Step 6: what is in each picture, with the look left to the trigger. Leaks are marked; the person decides."""

from __future__ import annotations

from bot.rules.caption_lint import draft, fixed, leaks, struck, tidy
from bot.screens import Message, Row, Screen, Shown
from bot.steps.moves import Event
from bot.steps.walk import Turn, Walk
from bot.taps import Tap, Verb
from storage.records import Candidate
from storage.states import Stage, Verdict

LISTED = 40  # lines of a list; at 80 characters each they fit Telegram's 4,096
NUMBERED = 24  # caption buttons under the list
NUMBERS_A_ROW = 6


async def palette(walk: Walk) -> list[Candidate]:
    """The kept candidates by number."""
    candidates = await walk.store.candidates.of(walk.here.id)
    return [candidate for candidate in candidates if candidate.verdict is Verdict.KEPT]


def leaking(walk: Walk, candidates: list[Candidate]) -> list[Candidate]:
    """Those whose caption holds style words that nobody said should stay."""
    return [c for c in candidates if not c.caption_edited and leaks(c.caption, walk.here.style)]


async def enter(walk: Walk) -> tuple[Message, ...]:
    """Drafts what is not written by the person, so that a new trigger reaches every draft."""
    for candidate in await palette(walk):
        if not candidate.caption_edited:
            text = draft(candidate.picture.subject, walk.here.style.trigger)
            if text != candidate.caption and (not candidate.caption or not _was_fixed(walk, candidate)):
                await walk.store.candidates.caption(walk.here.id, candidate.picture.id, text, edited=False)
    return ()


def _was_fixed(walk: Walk, candidate: Candidate) -> bool:
    text = draft(candidate.picture.subject, walk.here.style.trigger)
    return candidate.caption == fixed(text, walk.here.style)


async def show(walk: Walk) -> Screen:
    """The list, or one picture with its caption."""
    candidates = await palette(walk)
    if walk.here.stage is Stage.ONE and candidates:
        return _one(walk, candidates, walk.here.cursor % len(candidates))
    return _list(walk, candidates)


def _list(walk: Walk, candidates: list[Candidate]) -> Screen:
    lines = [walk.words("captions.ask", count=len(candidates), trigger=walk.here.style.trigger), ""]
    lines += [f"{number}. {_marked(walk, c)}" for number, c in enumerate(candidates[:LISTED], 1)]
    if len(candidates) > LISTED:
        lines.append(walk.words("captions.others", count=len(candidates) - LISTED))
    leaky = leaking(walk, candidates)
    rows: list[Row] = []
    if leaky:
        lines += ["", walk.words("captions.leaks", count=len(leaky))]
        rows.append(
            (walk.button("captions.fix", Verb.CAPTIONS_FIX), walk.button("captions.leave", Verb.CAPTIONS_LEAVE))
        )
    rows.append(
        (
            walk.button("captions.ok", Verb.CAPTIONS_OK, look="primary"),
            walk.button("captions.one", Verb.CAPTIONS_ONE, 0),
        )
    )
    numbers = tuple(
        walk.labelled(f"✎ {number}", Verb.CAPTIONS_EDIT, candidate.picture.id)
        for number, candidate in enumerate(candidates[:NUMBERED], 1)
    )
    rows += [numbers[start : start + NUMBERS_A_ROW] for start in range(0, len(numbers), NUMBERS_A_ROW)]
    return Screen(text="\n".join(lines), rows=(*rows, walk.way_back()))


def _marked(walk: Walk, candidate: Candidate) -> str:
    text = candidate.caption[:80]
    if candidate.caption_edited:
        return walk.words("captions.line", text=text)
    return struck(text, walk.here.style)


def _one(walk: Walk, candidates: list[Candidate], position: int) -> Screen:
    candidate = candidates[position]
    text = walk.words("captions.one.ask", number=position + 1, count=len(candidates))
    text += "\n\n" + struck(candidate.caption, walk.here.style)
    following = (position + 1) % len(candidates)
    rows: tuple[Row, ...] = (
        (walk.copies("captions.copy", candidate.caption),),
        (
            walk.button("captions.next", Verb.CAPTIONS_ONE, following),
            walk.button("captions.ok", Verb.CAPTIONS_OK, look="primary"),
        ),
        walk.way_back(),
    )
    return Screen(text=text, picture=Shown(file=candidate.picture.file), rows=rows)


async def one_asked(walk: Walk, tap: Tap) -> Turn:
    """The caption at a position."""
    await walk.move(Event.ONE, cursor=int(tap.args[0]))
    return Turn()


async def edit_asked(walk: Walk, tap: Tap) -> Turn:
    """The caption of a picture."""
    positions = [candidate.picture.id for candidate in await palette(walk)]
    if int(tap.args[0]) not in positions:
        return walk.refuses("tap.unreadable")
    await walk.move(Event.ONE, cursor=positions.index(int(tap.args[0])))
    return Turn()


async def fixed_all(walk: Walk, _tap: Tap) -> Turn:
    """Leaked words leave every draft."""
    leaky = leaking(walk, await palette(walk))
    for candidate in leaky:
        text = fixed(candidate.caption, walk.here.style)
        await walk.store.candidates.caption(walk.here.id, candidate.picture.id, text, edited=False)
    return Turn(toast=walk.words.plain("captions.fixed.toast", count=len(leaky)))


async def left_all(walk: Walk, _tap: Tap) -> Turn:
    """The person wants the words where they are."""
    for candidate in leaking(walk, await palette(walk)):
        await walk.store.candidates.caption(walk.here.id, candidate.picture.id, candidate.caption, edited=True)
    return Turn()


async def accepted(walk: Walk, _tap: Tap) -> Turn:
    """The captions stand."""
    await walk.move(Event.CAPTIONED)
    return Turn(fresh=True)


async def wrote(walk: Walk, text: str) -> Turn | None:
    """The caption of the picture that is shown."""
    candidates = await palette(walk)
    if walk.here.stage is not Stage.ONE or not candidates:
        return None
    position = walk.here.cursor % len(candidates)
    caption = tidy(text, walk.here.style.trigger)
    picture = candidates[position].picture
    await walk.store.candidates.caption(walk.here.id, picture.id, caption, edited=True)
    if position + 1 < len(candidates):
        await walk.move(Event.ONE, cursor=position + 1)
    else:
        await walk.move(Event.LIST)
    return Turn()


TAPS = {
    Verb.CAPTIONS_OK: accepted,
    Verb.CAPTIONS_ONE: one_asked,
    Verb.CAPTIONS_EDIT: edit_asked,
    Verb.CAPTIONS_FIX: fixed_all,
    Verb.CAPTIONS_LEAVE: left_all,
}
