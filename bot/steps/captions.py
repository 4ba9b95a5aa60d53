"""Step 6: what is in each picture, with the look left to the trigger. Leaks are marked; the person decides."""

from __future__ import annotations

from dataclasses import replace

from bot.rules.caption_lint import LONGEST_CAPTION, draft, fixed, leaks, struck, tidy
from bot.rules.lengths import ELLIPSIS, cut
from bot.screens import Row, Screen, Shown, in_rows
from bot.steps.actions import does
from bot.steps.moves import Event
from bot.steps.step import Messages, QuestStep
from bot.steps.walk import Turn, Walk
from bot.taps import Verb
from bot.words import Markup
from storage.records import Candidate
from storage.states import Stage

LISTED = 40  # lines of a list
LINE_LENGTH = 80  # UTF-16 units of a caption in it; so many lines fit Telegram's 4,096
NUMBERED = 24  # caption buttons under the list
NUMBERS_A_ROW = 6


def leaking(walk: Walk, candidates: list[Candidate]) -> list[Candidate]:
    """Those whose caption, drafted or written, holds style words that nobody said should stay."""
    return [candidate for candidate in candidates if _leaks(walk, candidate)]


def _leaks(walk: Walk, candidate: Candidate) -> tuple[str, ...]:
    return leaks(candidate.caption, walk.here.style, candidate.left_words)


async def on_enter(walk: Walk) -> Messages:
    """Drafts what is not written by the person, so that a new trigger reaches every draft."""
    for candidate in await walk.palette():
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
    candidates = await walk.palette()
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
        rows.append(_ways_out(walk))
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
    return Screen(text="\n".join(lines), rows=(*rows, *in_rows(numbers, NUMBERS_A_ROW), walk.way_back()))


def _marked(walk: Walk, candidate: Candidate) -> str:
    text = struck(cut(candidate.caption, LINE_LENGTH, ending=ELLIPSIS), walk.here.style, candidate.left_words)
    return walk.words("captions.line", text=Markup(text)) if candidate.caption_edited else text


def _one(walk: Walk, candidates: list[Candidate], position: int) -> Screen:
    candidate = candidates[position]
    lines = [walk.words("captions.one.ask", number=position + 1, count=len(candidates))]
    lines.append(struck(candidate.caption, walk.here.style, candidate.left_words))
    following = (position + 1) % len(candidates)
    rows: list[Row] = [
        (
            walk.button("captions.next", Verb.CAPTIONS_ONE, following),
            walk.button("captions.ok", Verb.CAPTIONS_OK, look="primary"),
        ),
        walk.way_back(),
    ]
    copy = walk.copies("captions.copy", candidate.caption)
    if copy:
        rows.insert(0, copy)
    else:
        lines.append(walk.words("captions.copy.whole", caption=candidate.caption))
    found = _leaks(walk, candidate)
    if found:
        lines.append(walk.words("captions.leak", words=", ".join(found), count=len(found)))
        rows.insert(0, _ways_out(walk, candidate.picture.id))
    return Screen(text="\n\n".join(lines), picture=Shown(file=candidate.picture.file), rows=tuple(rows))


def _ways_out(walk: Walk, *picture: int) -> Row:
    """Take the style's words out or leave them: of one caption, or of all."""
    kind = "one." if picture else ""
    return (
        walk.button(f"captions.{kind}fix", Verb.CAPTIONS_FIX, *picture),
        walk.button(f"captions.{kind}leave", Verb.CAPTIONS_LEAVE, *picture),
    )


async def one_asked(walk: Walk, position: int) -> Turn:
    """The caption at a position."""
    await walk.move(Event.ONE, cursor=position)
    return Turn()


async def edit_asked(walk: Walk, picture: int) -> Turn:
    """The caption of a picture."""
    positions = [candidate.picture.id for candidate in await walk.palette()]
    if picture not in positions:
        return walk.refuses("tap.unreadable")
    await walk.move(Event.ONE, cursor=positions.index(picture))
    return Turn()


async def words_taken_out(walk: Walk, picture: int | None = None) -> Turn:
    """The style's words leave every caption, or the one that the button names."""
    leaky = await _meant(walk, picture)
    for candidate in leaky:
        text = fixed(candidate.caption, walk.here.style, candidate.left_words)
        edited = candidate.caption_edited
        await walk.store.candidates.caption(walk.here.id, candidate.picture.id, text, edited=edited)
    return await _onward(walk, walk.words.plain("captions.fixed.toast", count=len(leaky)))


async def words_left(walk: Walk, picture: int | None = None) -> Turn:
    """The person wants the words where they are; they are not pointed out again."""
    for candidate in await _meant(walk, picture):
        words = {*candidate.left_words, *(word.lower() for word in _leaks(walk, candidate))}
        await walk.store.candidates.leave_words(walk.here.id, candidate.picture.id, sorted(words))
    return await _onward(walk, "")


async def _meant(walk: Walk, picture: int | None) -> list[Candidate]:
    return [one for one in leaking(walk, await walk.palette()) if picture in (None, one.picture.id)]


async def _onward(walk: Walk, toast: str) -> Turn:
    """To the next caption where one is looked at alone, from the last to the list."""
    if walk.here.stage is Stage.ONE:
        position, count = walk.here.cursor + 1, len(await walk.palette())
        await (walk.move(Event.ONE, cursor=position) if position < count else walk.move(Event.LIST))
    return Turn(toast=toast)


async def accepted(walk: Walk) -> Turn:
    """The captions stand."""
    await walk.move(Event.CAPTIONED)
    return Turn(fresh=True)


async def on_text(walk: Walk, text: str) -> Turn | None:
    """The caption of the picture that is shown."""
    candidates = await walk.palette()
    if walk.here.stage is not Stage.ONE or not candidates:
        return None
    if len(text) > LONGEST_CAPTION:
        return walk.says("text.too_long", length=len(text), most=LONGEST_CAPTION)
    candidate = candidates[walk.here.cursor % len(candidates)]
    caption = tidy(text, walk.here.style.trigger)
    walk.has_room(caption)
    await walk.store.candidates.caption(walk.here.id, candidate.picture.id, caption, edited=True)
    if _leaks(walk, replace(candidate, caption=caption)):
        return Turn()  # the same screen says so, with both ways out
    return await _onward(walk, "")


STEP = QuestStep(
    show=show,
    on_enter=on_enter,
    on_text=on_text,
    taps={
        Verb.CAPTIONS_OK: does(accepted),
        Verb.CAPTIONS_ONE: does(one_asked, int),
        Verb.CAPTIONS_EDIT: does(edit_asked, int),
        Verb.CAPTIONS_FIX: does(words_taken_out, int, optional=True),
        Verb.CAPTIONS_LEAVE: does(words_left, int, optional=True),
    },
)
