"""Step 3: many subjects in the one style, with more of them than the palette will hold."""

from __future__ import annotations

from bot.rules.palette import TARGETS
from bot.rules.progress import clock_time, picture_seconds
from bot.rules.prompt import compose
from bot.rules.rows import styled_rows
from bot.rules.subjects import LONGEST_SUBJECT, MOST_SUBJECTS, chosen_subjects, left_out, read_subjects, spread
from bot.screens import Button, Notice, Row, Screen
from bot.steps import status
from bot.steps.actions import Good, does
from bot.steps.moves import Event
from bot.steps.step import JobHooks, Messages, QuestStep
from bot.steps.walk import Turn, Walk
from bot.taps import Verb
from storage.records import PICTURE_STEPS, Job, Picture
from storage.requests import PayloadRequest
from storage.states import JobKind, PictureRole, Stage, Step, SubjectsFrom, Way

SHOWN_SUBJECTS = 8
FEW_SUBJECTS = 10  # fewer typed ones are put before the list instead of being drawn over and over
MOST_MORE = 50


async def show(walk: Walk) -> Screen:
    """The screen of the stage the quest is at; while candidates are drawn it is their status."""
    drawing = await status.under_way(walk, JobKind.PAYLOAD) if walk.here.stage is Stage.DRAWING else None
    if drawing is not None:
        return drawing
    if walk.here.stage is Stage.SUBJECTS:
        return Screen(text=walk.words("payload.subjects.ask"), rows=(walk.way_back(),))
    return _way(walk)


def _way(walk: Walk) -> Screen:
    quest = walk.here
    count = TARGETS[quest.style.kind].candidates
    target = TARGETS[quest.style.kind]
    subjects = subjects_of(walk)
    seconds = count * picture_seconds(walk.machine) * quest.style.drawing.steps / PICTURE_STEPS
    text = walk.words(
        "payload.ask",
        candidates=count,
        took=clock_time(seconds),
        least=target.least,
        most=target.most,
        subjects=", ".join(subjects[:SHOWN_SUBJECTS]),
        others=max(0, min(count, len(subjects)) - SHOWN_SUBJECTS),
    )
    rows: tuple[Row, ...] = (
        tuple(_toggle(walk, f"payload.way.{way}", Verb.PAYLOAD_WAY, way, on=quest.way is way) for way in Way),
        tuple(
            _toggle(walk, f"payload.from.{source}", Verb.PAYLOAD_SUBJECTS, source, on=quest.subjects_from is source)
            for source in SubjectsFrom
        ),
        (walk.button("payload.start", Verb.PAYLOAD_START, look="primary", candidates=count),),
        walk.way_back(),
    )
    return Screen(text=text, rows=rows)


def _toggle(walk: Walk, key: str, verb: Verb, arg: str, *, on: bool) -> Button:
    label = walk.words.plain(key)
    return walk.labelled(f"✓ {label}" if on else label, verb, arg)


def subjects_of(walk: Walk) -> tuple[str, ...]:
    """The subjects of the payload, in the order they are drawn."""
    quest = walk.here
    listed = [subject.replace("{subject}", quest.subject) for subject in walk.library.subjects[quest.style.kind]]
    return chosen_subjects(listed, quest.subjects, quest.subjects_from)


async def way_chosen(walk: Walk, way: Way) -> Turn:
    """Each its own seed (a), or one seed for all (b)."""
    await walk.stay(way=way)
    return Turn(toast=walk.words.plain(f"payload.way.{way}"))


async def source_chosen(walk: Walk, source: SubjectsFrom) -> Turn:
    """Subjects from the list, the person's own, or both; own ones are asked for where there are none."""
    await walk.stay(subjects_from=source)
    if source is not SubjectsFrom.LIST and not walk.here.subjects:
        await walk.move(Event.SUBJECTS_ASKED)
    return Turn()


async def started(walk: Walk) -> Turn:
    """As many candidates as this kind of palette wants to choose from."""
    return await _ask(walk, Event.ASKED, TARGETS[walk.here.style.kind].candidates)


async def more(walk: Walk, count: int) -> Turn:
    """More candidates; subjects and seeds go on where the last ones ended."""
    event = Event.MORE_ASKED if walk.here.step is Step.CURATION else Event.ASKED
    return await _ask(walk, event, max(1, min(MOST_MORE, count)))


async def _ask(walk: Walk, event: Event, count: int) -> Turn:
    pick = await _pick(walk)
    if pick is None:
        return walk.refuses("payload.no_pick")
    subjects = subjects_of(walk)
    drawn = len(await walk.store.pictures.of_quest(walk.here.id, PictureRole.CANDIDATE))
    pairs = spread(subjects, count, seed=pick.seed, way=walk.here.way, start=drawn)
    style = walk.here.style
    request = PayloadRequest(rows=styled_rows(pairs, style, walk.negative(style)))
    await walk.ask_and_move(event, request)
    return Turn(fresh=True)


async def _pick(walk: Walk) -> Picture | None:
    return await walk.store.pictures.find(walk.here.pick) if walk.here.pick else None


async def stopped(walk: Walk) -> Turn:
    """Ends the drawing and keeps what is done."""
    return await status.stop(walk, JobKind.PAYLOAD)


async def on_text(walk: Walk, text: str) -> Turn | None:
    """The person's own subjects, one a line."""
    if walk.here.stage not in (Stage.WAY, Stage.SUBJECTS):
        return None
    subjects, (too_long, has_more) = read_subjects(text), left_out(text)
    if not subjects:
        return walk.says("payload.subjects.too_long", count=too_long, most=LONGEST_SUBJECT) if too_long else None
    walk.has_room(*(compose(subject, walk.here.style) for subject in subjects))
    is_both = len(subjects) < FEW_SUBJECTS or walk.here.subjects_from is SubjectsFrom.BOTH
    source = SubjectsFrom.BOTH if is_both else SubjectsFrom.OWN
    await walk.move(Event.SUBJECTS_SET, subjects=subjects, subjects_from=source)
    lines = [walk.words("payload.subjects.set", count=len(subjects))]
    if too_long:
        lines.append(walk.words("payload.subjects.too_long", count=too_long, most=LONGEST_SUBJECT))
    if has_more:
        lines.append(walk.words("payload.subjects.more", most=MOST_SUBJECTS))
    return Turn(messages=(Notice(text="\n".join(lines)),))


async def gathered(walk: Walk, _job: Job) -> Messages:
    """What was drawn becomes candidates, and curation begins; with nothing drawn the way is asked again."""
    await walk.store.candidates.gather(walk.here.id)
    has_any = await walk.store.candidates.of(walk.here.id)
    event = Event.PAYLOAD_DRAWN if has_any else Event.DRAWING_ENDED
    if walk.may(event):
        await walk.move(event)
    return ()


STEP = QuestStep(
    show=show,
    on_text=on_text,
    jobs={JobKind.PAYLOAD: JobHooks(on_done=gathered, on_failed=gathered)},
    taps={
        Verb.PAYLOAD_WAY: does(way_chosen, Way),
        Verb.PAYLOAD_SUBJECTS: does(source_chosen, SubjectsFrom),
        Verb.PAYLOAD_START: does(started),
        Verb.PAYLOAD_MORE: does(more, int, also_in={Step.CURATION}),
        Verb.PAYLOAD_STOP: does(stopped, good=Good.QUEST),
    },
)
