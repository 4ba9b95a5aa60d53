"""Step 2: albums of probes with random seeds, until one is the style that was meant."""

from __future__ import annotations

from dataclasses import replace

from bot.rules import prompt
from bot.rules.drawing import COMPARED_STEPS, comparison, drawing_of, in_one_line
from bot.rules.rows import styled_rows
from bot.screens import Album, Cell, Notice, PictureSource, Screen, Sheet, Shown, in_rows
from bot.steps import status
from bot.steps.actions import Good, does
from bot.steps.moves import Event
from bot.steps.step import JobHooks, Messages, QuestStep
from bot.steps.walk import Turn, Walk
from bot.taps import Verb
from storage.records import Job, Picture, Seed
from storage.requests import CompareRequest, HuntRequest, read_request
from storage.states import LIVE_STATES, JobKind, PictureRole, Stage

ALBUM_SIZE = 4
SUBJECT_COLUMNS = 3
SEEDS = 2**32


async def show(walk: Walk) -> Screen:
    """The screen of the stage the quest is at; while probes are drawn it is their status."""
    drawing = await status.under_way(walk, JobKind.HUNT) if walk.here.stage is Stage.DRAWING else None
    if drawing is not None:
        return drawing
    if walk.here.stage is Stage.ALBUM:
        numbered = await newest_album(walk)
        cells = tuple(Cell(file=picture.file, label=str(number)) for number, picture in numbered)
        return _album(walk, numbered, Sheet(cells=cells, columns=2))
    return _subject(walk)


def _subject(walk: Walk) -> Screen:
    quest = walk.here
    tests = walk.library.tests[quest.style.kind]
    numbered = tuple(walk.labelled(test, Verb.HUNT_SUBJECT, number) for number, test in enumerate(tests))
    text = walk.words("hunt.subject.ask", subject=quest.subject, prompt=prompt.compose(quest.subject, quest.style))
    return Screen(
        text=text,
        rows=(
            (walk.button("hunt.start", Verb.HUNT_START, look="primary"),),
            *in_rows(numbered, SUBJECT_COLUMNS),
            walk.way_back(),
        ),
    )


async def newest_album(walk: Walk) -> list[tuple[int, Picture]]:
    """The newest probes with their numbers, which run on over all albums of the quest."""
    probes = await walk.store.pictures.of_quest(walk.here.id, PictureRole.PROBE)
    numbered = list(enumerate(probes, 1))
    return [(number, probe) for number, probe in numbered if probe.job == probes[-1].job]


def _album(walk: Walk, numbered: list[tuple[int, Picture]], picture: PictureSource | None) -> Screen:
    picks = tuple(walk.labelled(str(number), Verb.HUNT_PICK, number) for number, _ in numbered)
    rows = (
        *in_rows(picks, ALBUM_SIZE),
        (
            walk.button("hunt.more", Verb.HUNT_MORE),
            walk.button("hunt.stronger", Verb.HUNT_STRONGER),
            walk.button("hunt.weaker", Verb.HUNT_WEAKER),
        ),
        (walk.button("style.change_words", Verb.STYLE_WORDS), walk.button("hunt.compare", Verb.HUNT_COMPARE)),
        walk.way_back(),
    )
    return Screen(text=walk.words("hunt.album.ask"), picture=picture, rows=rows)


async def subject_chosen(walk: Walk, number: int) -> Turn:
    """One of the offered subjects."""
    tests = walk.library.tests[walk.here.style.kind]
    await walk.stay(subject=tests[number % len(tests)])
    return Turn(toast=walk.here.subject)


async def started(walk: Walk) -> Turn:
    """An album of four, with the emphasis that the style has now."""
    return await _ask(walk, walk.here.style.emphasis)


async def stronger(walk: Walk) -> Turn:
    """Four more, with the style's words stressed more."""
    return await _ask_stressed(walk, 1)


async def weaker(walk: Walk) -> Turn:
    """Four more, with the style's words stressed less."""
    return await _ask_stressed(walk, -1)


async def _ask_stressed(walk: Walk, change: int) -> Turn:
    emphasis = walk.here.style.emphasis + change
    if abs(emphasis) > prompt.MOST_EMPHASIS:
        return walk.refuses("hunt.no_further")
    return await _ask(walk, emphasis)


async def _ask(walk: Walk, emphasis: int) -> Turn:
    drawing = drawing_of(walk.here.style, walk.machine)
    style = replace(walk.here.style, emphasis=emphasis, drawing=drawing)
    pairs = [(walk.here.subject, Seed(walk.chance.randrange(SEEDS))) for _ in range(ALBUM_SIZE)]
    request = HuntRequest(rows=styled_rows(pairs, style, walk.negative(style)))
    await walk.ask_and_move(Event.ASKED, request, style=style)
    return Turn(fresh=True)


async def compared(walk: Walk) -> Turn:
    """One seed under every sampler and some step counts, as a labelled sheet."""
    numbered = await newest_album(walk)
    seed = numbered[0][1].seed
    style = walk.here.style
    rows = tuple(
        replace(row, label=f"{drawing.sampler.value} · {drawing.steps}")
        for drawing in comparison(style.drawing)
        for row in styled_rows([(walk.here.subject, seed)], style, walk.negative(style), drawing)
    )
    request = CompareRequest(rows=rows, columns=len(COMPARED_STEPS))
    job = await walk.ask(request, key=f"compare:{walk.here.id}:{numbered[0][1].job}")  # once an album
    return Turn(messages=(await status.live(walk, job),), screen=False)


async def picked(walk: Walk, number: int) -> Turn:
    """The chosen seed is fixed, with every setting that made it."""
    probes = await walk.store.pictures.of_quest(walk.here.id, PictureRole.PROBE)
    if not 1 <= number <= len(probes):
        return walk.refuses("tap.unreadable")
    pick = probes[number - 1]
    style = walk.here.style
    emphasis = prompt.emphasis_of(pick.prompt, pick.subject, style)
    if emphasis is None:  # an album from before the style was changed
        return walk.refuses("hunt.other_words")
    await walk.move(Event.PICKED, pick=pick.id, style=replace(style, emphasis=emphasis, drawing=pick.drawing))
    toast = walk.words.plain("hunt.picked.toast", number=number)
    return Turn(toast=toast, messages=_alone(walk, pick, number), fresh=True)


def _alone(walk: Walk, pick: Picture, number: int) -> Messages:
    """The picked probe with what makes it again to be copied, at once or, where a button cannot hold it, in parts.

    A prompt that no button holds is a message of its own, to be copied by a tap on it.
    """
    settings = in_one_line(pick.seed, pick.drawing)
    text = walk.words("hunt.picked", number=number, settings=settings)
    whole = walk.copies("hunt.copy", f"{pick.prompt}\n{settings}")
    prompt_alone = walk.copies("hunt.copy.prompt", pick.prompt)
    rows = (whole,) if whole else (walk.copies("hunt.copy.settings", settings), prompt_alone)
    shown = tuple(row for row in rows if row)
    screen = Screen(text=text, picture=Shown(file=pick.file), rows=shown, slot="pick", fresh=True)
    if whole or prompt_alone:
        return (screen,)
    return (screen, Notice(text=walk.words("hunt.prompt", prompt=pick.prompt)))


async def on_text(walk: Walk, text: str) -> Turn | None:
    """Another subject for the test."""
    subject = prompt.bare(text)
    if walk.here.stage is Stage.DRAWING or not subject:
        return None
    if len(subject) > prompt.LONGEST_WORDS:
        return walk.says("text.too_long", length=len(subject), most=prompt.LONGEST_WORDS)
    walk.has_room(prompt.compose(subject, walk.here.style))
    if walk.here.stage is Stage.ALBUM:
        await walk.move(Event.OTHER_SUBJECT, subject=subject)
    else:
        await walk.stay(subject=subject)
    return Turn()


async def album_drawn(walk: Walk, job: Job) -> Messages:
    """The album with its keyboard."""
    numbered = await newest_album(walk)
    if not any(picture.job == job.id for _, picture in numbered):
        return await album_lost(walk, job)
    if walk.may(Event.ALBUM_DRAWN):
        await walk.move(Event.ALBUM_DRAWN)
    album = Album(
        pictures=tuple(Shown(file=picture.file) for _, picture in numbered),
        captions=tuple(str(number) for number, _ in numbered),
    )
    return (album, replace(_album(walk, numbered, None), fresh=True))


async def comparison_drawn(walk: Walk, job: Job) -> Messages:
    """The comparison as a labelled sheet."""
    request, pictures = read_request(job.request), await walk.store.pictures.of_job(job.id)
    assert isinstance(request, CompareRequest)
    drawn = {picture.position: picture.file for picture in pictures}
    samplers = tuple(dict.fromkeys(row.drawing.sampler.value for row in request.rows))
    sheet = Sheet(
        cells=tuple(Cell(file=drawn.get(index)) for index in range(len(request.rows))),  # one that was lost stays empty
        columns=request.columns,
        column_labels=tuple(str(steps) for steps in COMPARED_STEPS),
        row_labels=samplers,
    )
    text = walk.words("hunt.compared", samplers=", ".join(samplers))
    return (Screen(text=text, picture=sheet, rows=(walk.way_back(),), slot=f"sheet:{job.id}"),) if pictures else ()


async def album_lost(walk: Walk, _job: Job) -> Messages:
    """Nothing was drawn: back to the album there is, or to the subject."""
    if not walk.may(Event.DRAWING_ENDED):
        return ()
    has_album = await walk.store.pictures.of_quest(walk.here.id, PictureRole.PROBE)
    await walk.move(Event.ALBUM_DRAWN if has_album else Event.DRAWING_ENDED)
    return (replace(await show(walk), fresh=True),)


async def on_leave(walk: Walk) -> None:
    """Probes that are being drawn are not wanted any more."""
    job = await walk.store.queue.latest(walk.here.id, JobKind.HUNT)
    if walk.here.stage is Stage.DRAWING and job is not None and job.state in LIVE_STATES:
        await walk.store.queue.cancel(job.id)


STEP = QuestStep(
    show=show,
    on_leave=on_leave,
    on_text=on_text,
    jobs={
        JobKind.HUNT: JobHooks(on_done=album_drawn, on_failed=album_lost),
        JobKind.COMPARE: JobHooks(on_done=comparison_drawn),
    },
    taps={
        Verb.HUNT_SUBJECT: does(subject_chosen, int),
        Verb.HUNT_START: does(started),
        Verb.HUNT_MORE: does(started),
        Verb.HUNT_PICK: does(picked, int, good=Good.STEP),
        Verb.HUNT_STRONGER: does(stronger),
        Verb.HUNT_WEAKER: does(weaker),
        Verb.HUNT_COMPARE: does(compared),
    },
)
