"""Step 4: keep or reject, one candidate at a time or nine on a sheet. Measures are said, nothing is decided."""

from __future__ import annotations

from collections.abc import Sequence

from bot.rules.drift import drift_of, twin_of
from bot.rules.palette import TARGETS, Count, judge, kept
from bot.rules.progress import dots
from bot.screens import Button, Cell, Row, Screen, Sheet, Shown, in_rows
from bot.steps.actions import Good, does
from bot.steps.moves import Event
from bot.steps.step import QuestStep
from bot.steps.walk import Turn, Walk
from bot.taps import Verb
from storage.records import Candidate
from storage.states import Stage, Verdict

PAGE, SHEET_COLUMNS = 9, 3  # as small as a phone shows without zooming
MORE = 24  # half a payload
OVERVIEW_COLUMNS = 5


async def show(walk: Walk) -> Screen:
    """A card, a sheet, or what the count means."""
    candidates = await walk.store.candidates.of(walk.here.id)
    if walk.here.stage is Stage.SHEET:
        return _sheet(walk, candidates)
    if walk.here.stage is Stage.COUNT:
        return _count(walk, candidates)
    candidate = _next(walk, candidates)
    return await _card(walk, candidate, candidates) if candidate else _overview(walk, candidates)


def _next(walk: Walk, candidates: Sequence[Candidate]) -> Candidate | None:
    """The first unseen one after the cursor, which is the number last passed over; then the first unseen at all."""
    unseen = [candidate for candidate in candidates if candidate.verdict is Verdict.UNSEEN]
    after = [candidate for candidate in unseen if candidate.number > walk.here.cursor]
    return next(iter(after or unseen), None)


def _standing(walk: Walk, candidates: Sequence[Candidate]) -> dict[str, int]:
    target = TARGETS[walk.here.style.kind]
    return {"kept": len(kept(candidates)), "least": target.least, "most": target.most, "all": len(candidates)}


async def _card(walk: Walk, candidate: Candidate, candidates: Sequence[Candidate]) -> Screen:
    picture = candidate.picture
    lines = [walk.words("curate.card", number=candidate.number, **_standing(walk, candidates))]
    lines.append(walk.words("curate.subject", subject=picture.subject))
    pick = await walk.store.pictures.find(walk.here.pick) if walk.here.pick else None
    drift = drift_of(picture, pick, candidates)
    if drift is not None:
        lines.append(walk.words("curate.closeness", dots=dots(drift.closeness)))
        if drift.stands_out:
            lines.append(walk.words("curate.drifts"))
    twin = twin_of(candidate, candidates)
    rows: list[Row] = [
        (
            walk.button("curate.reject", Verb.CURATE_REJECT, picture.id),
            walk.button("curate.keep", Verb.CURATE_KEEP, picture.id, look="success"),
        ),
        (walk.button("curate.undo", Verb.CURATE_UNDO), walk.button("curate.skip", Verb.CURATE_SKIP, picture.id)),
    ]
    if twin is not None:
        lines.append(walk.words("curate.twin", number=twin.number))
        rows.append((walk.button("curate.twin.show", Verb.CURATE_TWIN, picture.id),))
    page = (candidate.number - 1) // PAGE
    rows.append(
        (
            walk.button("curate.sheet", Verb.CURATE_SHEET),
            walk.button("curate.sheet.here", Verb.CURATE_PAGE, page, page=page + 1),
            _done(walk, candidates),
        )
    )
    return Screen(text="\n".join(lines), picture=Shown(file=picture.file), rows=(*rows, walk.way_back()))


def _done(walk: Walk, candidates: Sequence[Candidate]) -> Button:
    return walk.button("curate.done", Verb.CURATE_DONE, count=len(kept(candidates)))


def _overview(walk: Walk, candidates: Sequence[Candidate]) -> Screen:
    """All are judged: the palette as one sheet."""
    palette = kept(candidates)
    cells = tuple(Cell(file=c.picture.file, label=str(c.number)) for c in palette)
    return Screen(
        text=walk.words("curate.all_judged", **_standing(walk, candidates)),
        picture=Sheet(cells=cells, columns=OVERVIEW_COLUMNS) if cells else None,
        rows=(
            (walk.button("curate.undo", Verb.CURATE_UNDO), walk.button("curate.sheet", Verb.CURATE_SHEET)),
            (walk.button("payload.more", Verb.PAYLOAD_MORE, MORE, count=MORE), _done(walk, candidates)),
            walk.way_back(),
        ),
    )


def _sheet(walk: Walk, candidates: Sequence[Candidate]) -> Screen:
    pages = max(1, -(-len(candidates) // PAGE))
    page = walk.here.cursor % pages
    shown = candidates[page * PAGE :][:PAGE]
    cells = tuple(
        Cell(
            file=c.picture.file,
            label=str(c.number),
            framed=c.verdict is Verdict.KEPT,
            crossed=c.verdict is Verdict.REJECTED,
        )
        for c in shown
    )
    toggles = tuple(_toggle(walk, candidate) for candidate in shown)
    rows = (
        *in_rows(toggles, SHEET_COLUMNS),
        (
            walk.labelled("‹", Verb.CURATE_PAGE, (page - 1) % pages),
            walk.button("curate.keep_all", Verb.CURATE_KEEP_ALL, page),
            walk.labelled("›", Verb.CURATE_PAGE, (page + 1) % pages),
        ),
        (
            walk.button("curate.cards", Verb.CURATE_CARDS),
            walk.button("curate.undo", Verb.CURATE_UNDO),
            _done(walk, candidates),
        ),
        walk.way_back(),
    )
    text = walk.words("curate.page", page=page + 1, pages=pages, **_standing(walk, candidates))
    return Screen(text=text, picture=Sheet(cells=cells, columns=SHEET_COLUMNS), rows=rows)


def _toggle(walk: Walk, candidate: Candidate) -> Button:
    if candidate.verdict is Verdict.KEPT:
        return walk.labelled(f"✓ {candidate.number}", Verb.CURATE_REJECT, candidate.picture.id)
    mark = "✗ " if candidate.verdict is Verdict.REJECTED else ""
    return walk.labelled(f"{mark}{candidate.number}", Verb.CURATE_KEEP, candidate.picture.id)


def _count(walk: Walk, candidates: Sequence[Candidate]) -> Screen:
    """Why the count is outside the target; a second `done` goes on all the same."""
    standing = _standing(walk, candidates)
    count = judge(walk.here.style.kind, standing["kept"])
    few = count in (Count.FEW, Count.BELOW, Count.NONE)
    rows: list[Row] = []
    if few:
        rows.append((walk.button("payload.more", Verb.PAYLOAD_MORE, MORE, count=MORE),))
    else:
        rows.append((walk.button("curate.sheet", Verb.CURATE_SHEET),))
    rows.append((walk.button("curate.go_on", Verb.CURATE_DONE, count=standing["kept"]),))
    rows.append((walk.button("curate.cards", Verb.CURATE_CARDS),))
    return Screen(text=walk.words(f"curate.count.{count}", **standing), rows=(*rows, walk.way_back()))


async def kept_one(walk: Walk, picture: int) -> Turn:
    """Into the palette."""
    return await _judge(walk, picture, Verdict.KEPT)


async def rejected_one(walk: Walk, picture: int) -> Turn:
    """Not into the palette."""
    return await _judge(walk, picture, Verdict.REJECTED)


async def _judge(walk: Walk, picture_id: int, verdict: Verdict) -> Turn:
    before = await walk.store.candidates.of(walk.here.id)
    judged = next((candidate for candidate in before if candidate.picture.id == picture_id), None)
    if judged is None:
        return walk.refuses("tap.unreadable")
    await walk.store.candidates.judge(walk.here.id, picture_id, verdict)
    if walk.here.stage is Stage.CARDS:
        await walk.stay(cursor=judged.number)
    count = len(kept(await walk.store.candidates.of(walk.here.id)))
    key = "curate.kept.toast" if verdict is Verdict.KEPT else "curate.rejected.toast"
    return Turn(toast=walk.words.plain(key, number=judged.number, count=count))


async def skipped(walk: Walk, picture: int) -> Turn:
    """Later: it comes again after the others."""
    candidates = await walk.store.candidates.of(walk.here.id)
    passed = next((c.number for c in candidates if c.picture.id == picture), walk.here.cursor)
    await walk.stay(cursor=passed)
    return Turn()


async def undone(walk: Walk) -> Turn:
    """The last verdict is taken back and its candidate shown again."""
    candidate = await walk.store.candidates.undo(walk.here.id)
    if candidate is None:
        return walk.refuses("curate.nothing_to_undo")
    if walk.here.stage is Stage.CARDS:
        await walk.stay(cursor=candidate.number - 1)
    else:
        await walk.stay(cursor=(candidate.number - 1) // PAGE)
    return Turn(toast=walk.words.plain("curate.undone", number=candidate.number))


async def sheet_asked(walk: Walk) -> Turn:
    """Nine at a time."""
    await _turn_to(walk, 0)
    return Turn()


async def page_turned(walk: Walk, page: int) -> Turn:
    """A page of the sheet, from cards too."""
    await _turn_to(walk, page)
    return Turn()


async def _turn_to(walk: Walk, page: int) -> None:
    if walk.here.stage is Stage.SHEET:
        await walk.stay(cursor=page)
    else:
        await walk.move(Event.SHEET, cursor=page)


async def cards_asked(walk: Walk) -> Turn:
    """One at a time."""
    if walk.here.stage is not Stage.CARDS:
        await walk.move(Event.CARDS)
    return Turn()


async def kept_page(walk: Walk, page: int) -> Turn:
    """All nine of a page into the palette."""
    candidates = await walk.store.candidates.of(walk.here.id)
    for candidate in candidates[page * PAGE :][:PAGE]:
        await walk.store.candidates.judge(walk.here.id, candidate.picture.id, Verdict.KEPT)
    count = len(kept(await walk.store.candidates.of(walk.here.id)))
    return Turn(toast=walk.words.plain("curate.page.toast", count=count))


async def twin_shown(walk: Walk, picture: int) -> Turn:
    """The candidate and its twin side by side."""
    candidates = await walk.store.candidates.of(walk.here.id)
    one = next((candidate for candidate in candidates if candidate.picture.id == picture), None)
    other = twin_of(one, candidates) if one else None
    if one is None or other is None:
        return walk.refuses("tap.unreadable")
    pair = (other, one)
    cells = tuple(Cell(file=c.picture.file, label=str(c.number), framed=c.verdict is Verdict.KEPT) for c in pair)
    rows: tuple[Row, ...] = (
        *((_toggle(walk, candidate),) for candidate in pair),
        (walk.button("curate.cards", Verb.CURATE_CARDS),),
        walk.way_back(),
    )
    text = walk.words("curate.twin.both", one=other.number, other=one.number)
    return Turn(messages=(Screen(text=text, picture=Sheet(cells=cells, columns=2), rows=rows),), screen=False)


async def done(walk: Walk) -> Turn:
    """The palette stands, if its count does; on the screen that says why not, once more goes on."""
    candidates = await walk.store.candidates.of(walk.here.id)
    count = judge(walk.here.style.kind, len(kept(candidates)))
    if count is Count.NONE:
        return walk.refuses("curate.none_kept")
    if count is not Count.RIGHT and walk.here.stage is not Stage.COUNT:
        await walk.move(Event.COUNT_OUTSIDE)
        return Turn()
    return await _accepted(walk, kept(candidates))


async def _accepted(walk: Walk, palette: Sequence[Candidate]) -> Turn:
    """On with the palette as it is, pinned as one sheet."""
    await walk.move(Event.CURATED)
    cells = tuple(Cell(file=candidate.picture.file) for candidate in palette)
    sheet = Screen(
        text=walk.words("curate.palette", name=walk.here.name, count=len(palette)),
        picture=Sheet(cells=cells, columns=OVERVIEW_COLUMNS),
        slot=f"palette:{walk.here.id}",
        fresh=True,
        pinned=True,
    )
    return Turn(messages=(sheet,), fresh=True)


STEP = QuestStep(
    show=show,
    taps={
        Verb.CURATE_KEEP: does(kept_one, int, good=Good.STEP),
        Verb.CURATE_REJECT: does(rejected_one, int, good=Good.STEP),
        Verb.CURATE_SKIP: does(skipped, int),
        Verb.CURATE_UNDO: does(undone),
        Verb.CURATE_SHEET: does(sheet_asked),
        Verb.CURATE_CARDS: does(cards_asked),
        Verb.CURATE_PAGE: does(page_turned, int),
        Verb.CURATE_KEEP_ALL: does(kept_page, int),
        Verb.CURATE_TWIN: does(twin_shown, int),
        Verb.CURATE_DONE: does(done),
    },
)
