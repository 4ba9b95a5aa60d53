"""Step 7's recipe: the presets, with the time, the memory and the file to expect."""

from __future__ import annotations

from bot.rules.clashes import Setting, clashes, said_of
from bot.rules.estimate import UPLOAD_BYTES, disk_bytes, file_bytes, is_short, memory_bytes, smaller
from bot.rules.progress import clock_time, training_seconds
from bot.rules.recipe import preset_recipe
from bot.screens import Button, Row, Screen
from bot.steps.step import Messages
from bot.steps.walk import Turn, Walk
from bot.taps import Verb
from storage.families import FAMILIES, Family
from storage.presets import ATTENTION, PRESETS
from storage.recipe import Preset, Recipe
from storage.states import Stage

SAMPLES = 4
GB = 1e9


async def on_enter(walk: Walk) -> Messages:
    """A recipe for a palette of this size, unless the person set its numbers."""
    if walk.here.stage is Stage.RECIPE and walk.here.recipe.preset in PRESETS:
        await _use_preset(walk, walk.here.recipe.preset)
    return ()


async def _use_preset(walk: Walk, name: Preset) -> None:
    kind = walk.here.style.kind
    recipe = preset_recipe(name, walk.family, len(await walk.palette()), seed=walk.here.id, kind=kind)
    await walk.stay(recipe=recipe)


def setting_of(walk: Walk, pictures: int) -> Setting:
    """What a recipe is for, here."""
    return Setting.of(pictures, walk.family, walk.machine)


async def show(walk: Walk) -> Screen:
    """The presets with time, memory and file to expect."""
    quest, recipe, pictures = walk.here, walk.here.recipe, len(await walk.palette())
    lines = [
        walk.words(
            "train.ask",
            name=quest.name,
            count=pictures,
            epochs=recipe.epochs,
            rank=recipe.rank,
            steps=recipe.steps,
            took=clock_time(training_seconds(recipe, SAMPLES, walk.machine)),
            megabytes=megabytes(recipe, walk.family),
        )
        + " "
        + needs(walk, recipe, pictures),
        walk.words(f"train.preset.{recipe.preset}.why"),
        *warnings(walk, recipe, pictures),
    ]
    presets = tuple(_preset(walk, name, is_chosen=name is recipe.preset) for name in PRESETS)
    rows: tuple[Row, ...] = (
        presets,
        (walk.button("train.why", Verb.TRAIN_WHY), walk.button("train.numbers", Verb.TRAIN_NUMBERS)),
        (walk.button("train.start", Verb.TRAIN_START, look="primary"),),
        walk.way_back(),
    )
    return Screen(text="\n\n".join(lines), rows=rows)


def _preset(walk: Walk, name: Preset, *, is_chosen: bool) -> Button:
    return walk.labelled(
        ("✓ " if is_chosen else "") + walk.words.plain(f"train.preset.{name}"), Verb.TRAIN_PRESET, name
    )


def megabytes(recipe: Recipe, family: Family) -> str:
    """The size of the file to come, as people read it."""
    size = file_bytes(recipe, family) / 1e6
    return f"{size:.1f}" if size >= 0.1 else f"{size:.3f}"


def needs(walk: Walk, recipe: Recipe, pictures: int) -> str:
    """The memory and the room on disk to expect."""
    dtype = walk.machine.dtype if walk.machine else "float32"
    memory = walk.words("train.needs", memory=f"{memory_bytes(recipe, walk.family, dtype) / GB:.1f}")
    return memory + " " + walk.words("train.disk", megabytes=f"{disk(walk, pictures) / 1e6:,.0f}")


def disk(walk: Walk, pictures: int) -> int:
    """Bytes that the training of this quest's recipe will lay on the disk at most."""
    drawing = walk.here.style.drawing
    return disk_bytes(walk.here.recipe, walk.family, drawing.width_px * drawing.height_px, SAMPLES, pictures)


def warnings(walk: Walk, recipe: Recipe, pictures: int) -> list[str]:
    """What would not work, each with its way out."""
    found = []
    is_slow = walk.machine is not None and walk.machine.device.startswith("cpu")
    if is_slow and not FAMILIES[walk.family].trains_on_cpu:
        found.append(walk.words("train.no_gpu", took=clock_time(training_seconds(recipe, SAMPLES, walk.machine))))
    if walk.machine is not None and is_short(recipe, walk.family, walk.machine):
        found.append(walk.words("train.short", has=f"{(walk.machine.memory_bytes or 0) / GB:.0f}"))
    found += _too_large(walk, recipe)
    broken = clashes(recipe, setting_of(walk, pictures))
    return found + [walk.words(f"train.clash.{clash}", **said_of(recipe, pictures)) for clash in broken]


def _too_large(walk: Walk, recipe: Recipe) -> list[str]:
    if file_bytes(recipe, walk.family) <= UPLOAD_BYTES:
        return []
    ways = [_way(walk, way, recipe) for way in smaller(recipe, walk.family)]
    return [walk.words("train.too_large", ways=" · ".join(ways)) if ways else walk.words("train.too_large.never")]


def _way(walk: Walk, way: Recipe, recipe: Recipe) -> str:
    size = megabytes(way, walk.family)
    if way.targets == ATTENTION and recipe.targets != ATTENTION:
        return walk.words.plain("train.way.parts", megabytes=size)
    return walk.words.plain("train.way.rank", rank=way.rank, megabytes=size)


async def preset_chosen(walk: Walk, preset: Preset) -> Turn:
    """Fast, balanced or thorough."""
    if preset not in PRESETS:
        return walk.refuses("tap.unreadable")
    await _use_preset(walk, preset)
    return Turn(toast=walk.words.plain(f"train.preset.{preset}"))
