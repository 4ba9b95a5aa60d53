"""Step 1: what the seal is to learn, how it looks, and what it is called by."""

from __future__ import annotations

from dataclasses import replace

from bot.library import FOLDER
from bot.rules import prompt
from bot.rules.drawing import best_drawing, drawing_of
from bot.rules.lengths import ELLIPSIS, cut
from bot.rules.palette import TARGETS
from bot.rules.pasted import Pasted
from bot.rules.trigger import Reading, Trigger, read_trigger
from bot.screens import Asset, Cell, Notice, PictureSource, Row, Screen, Sheet, in_rows
from bot.steps.actions import does
from bot.steps.moves import Event
from bot.steps.step import QuestStep
from bot.steps.walk import Turn, Walk
from bot.taps import Verb
from storage.attention_syntax import plain
from storage.records import Style
from storage.states import PaletteKind, Stage, Step
from storage.trigger import replaced

LOOKS_A_PAGE, LOOK_COLUMNS = 6, 3
SUGGESTED = 3
LONGEST_NAME = 40  # UTF-16 units


async def show(walk: Walk) -> Screen:
    """The screen of the stage the quest is at."""
    shown = {
        Stage.KIND: _kinds,
        Stage.LOOKS: _looks,
        Stage.WORDS: _asks_for_words,
        Stage.AVOID: _asks_what_to_avoid,
        Stage.TRIGGER: _trigger,
    }
    return shown.get(walk.here.stage, _card)(walk)


def _kinds(walk: Walk) -> Screen:
    lines = [walk.words("style.kind.ask")]
    rows: list[Row] = []
    for kind in PaletteKind:
        target = TARGETS[kind]
        lines.append(walk.words(f"style.kind.{kind}.why", least=target.least, most=target.most))
        rows.append((walk.button(f"style.kind.{kind}", Verb.STYLE_KIND, kind.value),))
    return Screen(text="\n\n".join(lines), rows=(*rows, walk.way_back()))


def _looks(walk: Walk) -> Screen:
    looks = walk.library.looks
    pages = -(-len(looks) // LOOKS_A_PAGE)
    page = walk.here.cursor % pages
    shown = looks[page * LOOKS_A_PAGE :][:LOOKS_A_PAGE]
    names = [f"{number}. {walk.words(f'look.{look.name}')}" for number, look in enumerate(shown, 1)]
    cells = tuple(Cell(asset=look.picture, label=str(number)) for number, look in enumerate(shown, 1))
    numbers = tuple(walk.labelled(str(n), Verb.STYLE_PRESET, look.name) for n, look in enumerate(shown, 1))
    turning = (
        walk.labelled("‹", Verb.STYLE_PAGE, (page - 1) % pages),
        walk.button("style.own_words", Verb.STYLE_WORDS),
        walk.labelled("›", Verb.STYLE_PAGE, (page + 1) % pages),
    )
    is_drawn = all((FOLDER / look.picture).exists() for look in shown)
    return Screen(
        text=walk.words("style.looks.ask") + "\n\n" + "\n".join(names),
        picture=Sheet(cells=cells, columns=LOOK_COLUMNS) if is_drawn else None,
        rows=(*in_rows(numbers, LOOK_COLUMNS), turning, walk.way_back()),
    )


def _asks_for_words(walk: Walk) -> Screen:
    return Screen(text=walk.words("style.words.ask"), rows=(walk.way_back(),))


def _asks_what_to_avoid(walk: Walk) -> Screen:
    text = walk.words("style.avoid.ask", now=walk.here.style.negative or "–")
    return Screen(text=text, rows=(walk.way_back(),))


def _card(walk: Walk) -> Screen:
    style = walk.here.style
    lines = [
        walk.words("style.card.title", name=title(walk, style)),
        walk.words("style.card.words", modifiers=style.modifiers, boosters=style.boosters or "–"),
        walk.words("style.card.avoid", negative=style.negative or "–"),
    ]
    if style.negative and not walk.negative(style):
        lines.append(walk.words("style.card.avoid_unused"))
    tokens = walk.token_count(plain(f"{style.modifiers}, {style.boosters}"))
    if tokens > walk.room() * 3 // 4:
        lines.append(walk.words("style.card.long", tokens=tokens, room=walk.room()))
    drawing = best_drawing(walk.machine)
    model = walk.machine.model.name if walk.machine else "–"
    lines.append(walk.words("style.card.model", model=model, size=drawing.width_px))
    rows = (
        (walk.button("style.change_words", Verb.STYLE_WORDS), walk.button("style.change_avoid", Verb.STYLE_AVOID)),
        (walk.button("style.ok", Verb.STYLE_OK, look="primary"),),
        walk.way_back(),
    )
    return Screen(text="\n".join(lines), picture=_picture(walk, style), rows=rows)


def _picture(walk: Walk, style: Style) -> PictureSource | None:
    look = walk.library.look(style.preset)
    return Asset(path=look.picture) if look and (FOLDER / look.picture).exists() else None


def _trigger(walk: Walk) -> Screen:
    chosen = read(walk, walk.here.style.trigger)
    lines = [walk.words("trigger.ask"), reading_line(walk, chosen)]
    suggested = tuple(walk.labelled(word, Verb.TRIGGER_USE, word) for word in walk.library.suggestions[:SUGGESTED])
    use = walk.button("trigger.ok", Verb.TRIGGER_OK, look="primary", word=chosen.word)
    return Screen(text="\n\n".join(lines), rows=(suggested, (use,), walk.way_back()))


def title(walk: Walk, style: Style) -> str:
    """What the person calls the style: the look's title, or the first of their words."""
    look = walk.library.look(style.preset)
    return walk.words.plain(f"look.{look.name}") if look else style.name


def read(walk: Walk, word: str) -> Trigger:
    """What a word would be like as a trigger for the model in use."""
    return read_trigger(word, walk.tokenizer, walk.library.meanings, walk.library.english)


def reading_line(walk: Walk, trigger: Trigger) -> str:
    """A trigger's reading as a sentence."""
    if trigger.reading is Reading.GOOD and not trigger.tokens:
        return walk.words("trigger.reads.unread", word=trigger.word)
    meaning = walk.words(f"meaning.{trigger.meaning}") if trigger.meaning else ""
    values = {"tokens": "·".join(trigger.tokens), "count": len(trigger.tokens), "meaning": meaning}
    return walk.words(f"trigger.reads.{trigger.reading}", word=trigger.word, **values)


async def kind_chosen(walk: Walk, kind: PaletteKind) -> Turn:
    """Style, character or concept."""
    offered = walk.library.tests[walk.here.style.kind]
    subject = "" if walk.here.subject in offered else walk.here.subject  # another kind is tested on other subjects
    await walk.move(Event.KIND_CHOSEN, style=replace(walk.here.style, kind=kind), subject=subject)
    return Turn()


async def page_turned(walk: Walk, page: int) -> Turn:
    """Another page of looks."""
    await walk.stay(cursor=page)
    return Turn()


async def look_chosen(walk: Walk, preset: str) -> Turn:
    """A ready-made look, with the words that belong to it."""
    look = walk.library.look(preset)
    if look is None:
        return walk.refuses("tap.unreadable")
    name = walk.words.plain(f"look.{look.name}")
    before = walk.here.style
    style = Style(
        kind=before.kind,
        trigger=before.trigger,
        preset=look.name,
        name=name,
        modifiers=look.modifiers,
        boosters=look.boosters,
        negative=look.negative,
        drawing=best_drawing(walk.machine),
    )
    await walk.move(Event.LOOK_CHOSEN, style=style, name=name)
    return Turn(toast=name)


async def words_asked(walk: Walk) -> Turn:
    """The person wants to write the look themselves."""
    await walk.move(Event.OWN_WORDS)
    return Turn()


async def avoid_asked(walk: Walk) -> Turn:
    """The person wants to write what to avoid."""
    await walk.move(Event.AVOID)
    return Turn()


async def accepted(walk: Walk) -> Turn:
    """The style stands; there is always a trigger chosen from the first moment."""
    style = walk.here.style
    word = style.trigger or walk.library.suggestions[0]
    await walk.move(Event.STYLE_SET, style=replace(style, trigger=word, drawing=drawing_of(style, walk.machine)))
    return Turn()


async def trigger_accepted(walk: Walk) -> Turn:
    """On to the hunt, with a subject to begin with."""
    subject = walk.here.subject or walk.library.tests[walk.here.style.kind][0]
    await walk.move(Event.TRIGGER_SET, subject=subject)
    return Turn()


async def trigger_chosen(walk: Walk, word: str) -> Turn:
    """A trigger that was suggested or written."""
    trigger = read(walk, word)
    if trigger.is_refused:
        return Turn(messages=(Notice(text=reading_line(walk, trigger)),))
    await _rename(walk, walk.here.style.trigger, trigger.word)
    await walk.stay(style=replace(walk.here.style, trigger=trigger.word))
    return Turn(toast=trigger.word)


async def _rename(walk: Walk, old: str, new: str) -> None:
    """Captions that the person wrote call the seal by its new trigger; drafts are drafted anew at their step."""
    for candidate in await walk.store.candidates.of(walk.here.id):
        if candidate.caption_edited:
            caption = replaced(candidate.caption, old, new)
            await walk.store.candidates.caption(walk.here.id, candidate.picture.id, caption, edited=True)


async def on_text(walk: Walk, text: str) -> Turn | None:
    """The words, what to avoid, or a trigger, by what the screen asks for."""
    stage = walk.here.stage
    if stage is Stage.TRIGGER:
        return await trigger_chosen(walk, text)
    if stage not in (Stage.LOOKS, Stage.WORDS, Stage.AVOID):
        return None
    line = prompt.one_line(text)
    if len(line) > prompt.LONGEST_WORDS:
        return walk.says("style.too_long", length=len(line), most=prompt.LONGEST_WORDS)
    walk.has_room(line)
    return await (_avoid(walk, line) if stage is Stage.AVOID else _describe(walk, line))


async def _avoid(walk: Walk, line: str) -> Turn:
    negative = "" if line in ("-", "–", "—") else line
    await walk.move(Event.WORDS_WRITTEN, style=replace(walk.here.style, negative=negative))
    return Turn()


async def _describe(walk: Walk, line: str) -> Turn:
    if not line:
        return Turn()
    await walk.move(Event.WORDS_WRITTEN, style=_of_own_words(walk, line), name=_name_of(line))
    return Turn()


async def on_pasted(walk: Walk, found: Pasted) -> Turn:
    """Words, negative and settings of pasted generation data, as the style."""
    line = prompt.one_line(found.prompt)
    if len(line) > prompt.LONGEST_WORDS:
        return walk.says("style.too_long", length=len(line), most=prompt.LONGEST_WORDS)
    negative = prompt.one_line(found.negative)
    walk.has_room(line, negative)
    style = _of_own_words(walk, line)
    drawing = found.over(best_drawing(walk.machine))
    style = replace(style, negative=negative or style.negative, drawing=drawing, own_drawing=bool(found.settings))
    await walk.move(Event.WORDS_WRITTEN, style=style, name=style.name)
    return Turn()


def _of_own_words(walk: Walk, line: str) -> Style:
    """A style of the person's words. Of a look chosen before nothing stays; what they avoid themselves does."""
    before = walk.here.style
    look = walk.library.look(before.preset)
    negative = prompt.beyond(before.negative, look.negative) if look else before.negative
    return Style(kind=before.kind, trigger=before.trigger, name=_name_of(line), modifiers=line, negative=negative)


def _name_of(line: str) -> str:
    first = plain(line).split(",")[0].strip()
    return cut(first or line, LONGEST_NAME, ending=ELLIPSIS)


STEP = QuestStep(
    show=show,
    on_text=on_text,
    on_pasted=on_pasted,
    taps={
        Verb.STYLE_KIND: does(kind_chosen, PaletteKind),
        Verb.STYLE_PAGE: does(page_turned, int),
        Verb.STYLE_PRESET: does(look_chosen, str),
        Verb.STYLE_WORDS: does(words_asked, also_in={Step.HUNT}),
        Verb.STYLE_AVOID: does(avoid_asked),
        Verb.STYLE_OK: does(accepted),
        Verb.TRIGGER_USE: does(trigger_chosen, str),
        Verb.TRIGGER_OK: does(trigger_accepted),
    },
)
