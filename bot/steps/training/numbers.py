"""Step 7's numbers: why each is what it is, and every one of them by page, to be changed."""

from __future__ import annotations

from bot.rules import numbers as rules
from bot.rules.clashes import said_of
from bot.rules.recipe import differences, nearest_preset, preset_recipe
from bot.rules.recipe import reasons as reasons_of
from bot.screens import Row, Screen, in_rows
from bot.steps.moves import Event
from bot.steps.training.recipe import setting_of, warnings
from bot.steps.walk import Turn, Walk
from bot.taps import Verb
from bot.words import Markup
from storage.presets import PRESETS
from storage.recipe import Recipe
from storage.states import Stage

COLUMNS = 2  # a label with a value needs half a phone
PAGE_NAMES = tuple(rules.PAGES)


async def reasons(walk: Walk) -> Screen:
    """Why each number of the preset is what it is."""
    recipe = walk.here.recipe
    preset = await _preset_below(walk)
    kind = walk.words.plain(f"train.kind.{recipe.kind}")
    lines = [walk.words("train.why.title", preset=walk.words.plain(f"train.preset.{preset.preset}"), kind=kind)]
    changed = _changed(walk, recipe, preset)
    if changed:
        lines.append(walk.words("train.why.own", numbers=changed))
    lines += [walk.words(f"train.why.{key}", **vars(preset)) for key in reasons_of(preset, walk.family)]
    rows: tuple[Row, ...] = (
        (
            walk.button("train.numbers", Verb.TRAIN_NUMBERS),
            walk.button("train.start", Verb.TRAIN_START, look="primary"),
        ),
        walk.way_back(),
    )
    return Screen(text="\n".join(lines), rows=rows)


async def numbers(walk: Walk) -> Screen:
    """The pages of numbers (cursor 0), or one of them with its advice."""
    page = walk.here.cursor % (len(PAGE_NAMES) + 1)
    return await (_page(walk, PAGE_NAMES[page - 1]) if page else _index(walk))


async def _index(walk: Walk) -> Screen:
    recipe, preset = walk.here.recipe, await _preset_below(walk)
    name = walk.words.plain(f"train.preset.{preset.preset}")
    lines = [walk.words("train.numbers.ask")]
    changed = _changed(walk, recipe, preset)
    if changed:
        lines.append(walk.words("train.numbers.changed", preset=name, numbers=changed))
    lines += warnings(walk, recipe, len(await walk.palette()))
    pages = [walk.button(f"train.page.{page}", Verb.TRAIN_PAGE, number) for number, page in enumerate(PAGE_NAMES, 1)]
    last = (
        walk.button("train.reset", Verb.TRAIN_PRESET, preset.preset, preset=name),
        walk.button("train.start", Verb.TRAIN_START, look="primary"),
    )
    return Screen(text="\n\n".join(lines), rows=(*in_rows(pages, COLUMNS), last, walk.way_back()))


async def _page(walk: Walk, page: str) -> Screen:
    recipe, names = walk.here.recipe, tuple(rules.PAGES[page])
    lines = [walk.words("train.numbers.page", page=walk.words.plain(f"train.page.{page}")), ""]
    lines += [walk.words(f"train.number.{name}", value=value_of(walk, recipe, name)) for name in names]
    found = warnings(walk, recipe, len(await walk.palette()))
    lines += ["", *found] if found else []
    buttons = [
        walk.labelled(f"{walk.words.plain(f'train.name.{name}')} {value_of(walk, recipe, name)}", Verb.TRAIN_SET, name)
        for name in names
    ]
    buttons.append(walk.button("train.pages", Verb.TRAIN_PAGE, 0))
    return Screen(text="\n".join(lines), rows=(*in_rows(buttons, COLUMNS), walk.way_back()))


def value_of(walk: Walk, recipe: Recipe, name: str) -> str:
    """One number of a recipe as a person reads it."""
    value = rules.value_of(recipe, name)
    if isinstance(value, bool):
        return walk.words.plain("train.on" if value else "train.off")
    if isinstance(value, str):
        return walk.words.plain(f"train.value.{value}")
    return f"{value:g}"


async def _preset_below(walk: Walk) -> Recipe:
    """The preset in use, or the one that the person's own numbers are nearest to."""
    recipe, pictures, kind = walk.here.recipe, len(await walk.palette()), walk.here.style.kind
    if recipe.preset in PRESETS:
        return preset_recipe(recipe.preset, walk.family, pictures, recipe.seed, kind)
    return nearest_preset(recipe, walk.family, pictures)


def _changed(walk: Walk, recipe: Recipe, preset: Recipe) -> str:
    fields = differences(recipe, preset)
    names = [name for name, number in rules.NUMBERS.items() if number.field in fields]
    return Markup(", ".join(f"{walk.words(f'train.name.{name}')} {value_of(walk, recipe, name)}" for name in names))


async def reasons_asked(walk: Walk) -> Turn:
    """Why these numbers."""
    await walk.move(Event.REASONS)
    return Turn()


async def numbers_asked(walk: Walk) -> Turn:
    """Every number with its advice."""
    await walk.move(Event.NUMBERS)
    return Turn()


async def page_turned(walk: Walk, page: int) -> Turn:
    """One page of the numbers, or (0) all pages."""
    if walk.here.stage is not Stage.NUMBERS:
        return walk.refuses("tap.unreadable")
    await walk.stay(cursor=page)
    return Turn()


async def number_changed(walk: Walk, name: str) -> Turn:
    """The next choice for one number; choices that clash are passed over, and the person is told why."""
    if name not in rules.NUMBERS:
        return walk.refuses("tap.unreadable")
    setting = setting_of(walk, len(await walk.palette()))
    recipe, passed = rules.next_allowed(walk.here.recipe, name, setting)
    await walk.stay(recipe=recipe)
    if not passed:
        return Turn()
    why = walk.words.plain(f"train.clash.{passed[0]}", **said_of(recipe, setting.pictures))
    return Turn(toast=why, alert=True)
