"""Step 3: many subjects in the one style, with more of them than the palette will hold."""

from __future__ import annotations

from bot.rules.palette import TARGETS
from bot.rules.progress import clock_time, picture_seconds
from bot.rules.prompt import compose
from bot.rules.rows import styled_rows
from bot.rules.subjects import LONGEST_SUBJECT, MOST_SUBJECTS, chosen_subjects, left_out, read_subjects, spread
from bot.screens import Button, Message, Notice, Row, Screen
from bot.steps import status
from bot.steps.moves import Event
from bot.steps.walk import Turn, Walk
from bot.taps import Tap, Verb
from storage.records import Job, Picture
from storage.requests import PayloadRequest
from storage.states import LIVE_STATES, JobKind, PictureRole, Stage, Step, SubjectsFrom, Way

SHOWN_SUBJECTS = 8
FEW_SUBJECTS = 10  # fewer typed ones are put before the list instead of being drawn over and over
MOST_MORE = 50


async def show(walk: Walk) -> Screen:
    """The screen of the stage the quest is at; while candidates are drawn it is their status."""
    if walk.here.stage is Stage.DRAWING:
        job = await walk.store.queue.latest(walk.here.id, JobKind.PAYLOAD)
        if job is not None and job.state in LIVE_STATES:
            return await status.live(walk, job)
    if walk.here.stage is Stage.SUBJECTS:
        return Screen(text=walk.words("payload.subjects.ask"), rows=(walk.way_back(),))
    return _way(walk)


def _way(walk: Walk) -> Screen:
    quest = walk.here
    count = TARGETS[quest.style.kind].candidates
    target = TARGETS[quest.style.kind]
    subjects = subjects_of(walk)
    seconds = count * picture_seconds(walk.machine) * quest.style.drawing.steps / 20
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


async def way_chosen(walk: Walk, tap: Tap) -> Turn:
    """Each its own seed (a), or one seed for all (b)."""
    if tap.args[0] not in set(Way):
        return walk.refuses("tap.unreadable")
    await walk.stay(way=Way(tap.args[0]))
    return Turn(toast=walk.words.plain(f"payload.way.{tap.args[0]}"))


async def source_chosen(walk: Walk, tap: Tap) -> Turn:
    """Subjects from the list, the person's own, or both; own ones are asked for where there are none."""
    if tap.args[0] not in set(SubjectsFrom):
        return walk.refuses("tap.unreadable")
    source = SubjectsFrom(tap.args[0])
    await walk.stay(subjects_from=source)
    if source is not SubjectsFrom.LIST and not walk.here.subjects:
        await walk.move(Event.SUBJECTS_ASKED)
    return Turn()


async def started(walk: Walk, _tap: Tap) -> Turn:
    """As many candidates as this kind of palette wants to choose from."""
    return await _ask(walk, Event.ASKED, TARGETS[walk.here.style.kind].candidates)


async def more(walk: Walk, tap: Tap) -> Turn:
    """More candidates; subjects and seeds go on where the last ones ended."""
    count = max(1, min(MOST_MORE, int(tap.args[0])))
    return await _ask(walk, Event.MORE_ASKED if walk.here.step is Step.CURATION else Event.ASKED, count)


async def _ask(walk: Walk, event: Event, count: int) -> Turn:
    pick = await _pick(walk)
    if pick is None:
        return walk.refuses("payload.no_pick")
    subjects = subjects_of(walk)
    drawn = len(await walk.store.pictures.of_quest(walk.here.id, PictureRole.CANDIDATE))
    pairs = spread(subjects, count, seed=pick.seed, way=walk.here.way, start=drawn)
    style = walk.here.style
    request = PayloadRequest(rows=styled_rows(pairs, style, walk.negative(style)))
    asked_before = len(await walk.store.queue.of_quest(walk.here.id, JobKind.PAYLOAD))
    await walk.ask_and_move(event, request, f"payload:{walk.here.id}:{asked_before}")
    return Turn(fresh=True)


async def _pick(walk: Walk) -> Picture | None:
    return await walk.store.pictures.find(walk.here.pick) if walk.here.pick else None


async def stopped(walk: Walk, _tap: Tap) -> Turn:
    """Ends the drawing and keeps what is done."""
    return await status.stop(walk, JobKind.PAYLOAD)


async def wrote(walk: Walk, text: str) -> Turn | None:
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
    return Turn(before=(Notice(text="\n".join(lines)),))


async def came(walk: Walk, job: Job) -> tuple[Message, ...]:
    """The pictures become candidates, and curation begins (its screen is shown by the journey)."""
    await walk.store.candidates.gather(walk.here.id)
    has_any = await walk.store.candidates.of(walk.here.id)
    if not has_any:
        return await lost(walk, job)
    if walk.may(Event.PAYLOAD_CAME):
        await walk.move(Event.PAYLOAD_CAME)
    return ()


async def lost(walk: Walk, _job: Job) -> tuple[Message, ...]:
    """What was drawn stays a candidate; with nothing drawn the way is asked again."""
    await walk.store.candidates.gather(walk.here.id)
    has_any = await walk.store.candidates.of(walk.here.id)
    event = Event.PAYLOAD_CAME if has_any else Event.DRAWING_ENDED
    if walk.may(event):
        await walk.move(event)
    return ()


TAPS = {
    Verb.PAYLOAD_WAY: way_chosen,
    Verb.PAYLOAD_SUBJECTS: source_chosen,
    Verb.PAYLOAD_START: started,
    Verb.PAYLOAD_MORE: more,
    Verb.PAYLOAD_STOP: stopped,
}
