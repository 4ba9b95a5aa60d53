"""Every model family goes through both halves: the engine knows it, the bot reads of it, both say the same of it."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from bot.rules.clashes import Setting, clashes
from bot.rules.drawing import best_drawing
from bot.rules.estimate import file_bytes, memory_bytes
from bot.rules.recipe import preset_recipe, reasons
from bot.words import LANGUAGES, Words
from engine.exports.about import about_seal, lora_headers
from engine.exports.kohya_names import kohya_module
from engine.models.adapters.shape import Shape
from engine.models.machine import Machine
from engine.training.recipe_validation import validate
from storage.documents import dump, load
from storage.families import FAMILIES, Family
from storage.presets import ATTENTION, PRESETS
from storage.records import ContentHash, MachineFacts
from storage.states import PaletteKind
from tests.engine.tiny_models import emoji_machine, tiny_machine

ROOT = Path(__file__).resolve().parents[2]
PICTURES = 18
ITS_OWN_FILES = {"storage/families.py"}


def machine_of(family: Family) -> Machine:
    return emoji_machine() if family is Family.EMOJI else tiny_machine(family)


def published(family: Family) -> MachineFacts:
    """What the bot reads of what an engine with this family wrote."""
    written = machine_of(family).facts("engine", ContentHash("a" * 64), picture=1.0, step=1.0)
    found: MachineFacts = load(MachineFacts, dump(written))
    return found


@pytest.mark.parametrize("family", Family)
def test_the_bot_hears_the_family_that_the_engine_recognised(family: Family) -> None:
    facts = published(family)
    assert facts.model.family is family
    drawing = best_drawing(facts)
    assert (drawing.width_px, drawing.sampler) == (facts.model.size_px, FAMILIES[family].sampler)


@pytest.mark.parametrize("family", Family)
def test_every_preset_is_offered_with_reasons_and_taken_by_the_engine(family: Family) -> None:
    facts, words = published(family), [Words(language) for language in LANGUAGES]
    for preset in PRESETS:
        for kind in PaletteKind:
            recipe = preset_recipe(preset, facts.model.family, PICTURES, 1, kind)
            assert clashes(recipe, Setting.of(PICTURES, facts.model.family, facts)) == ()
            validate(recipe, machine_of(family))
            assert 0 < file_bytes(recipe, family) < memory_bytes(recipe, family, facts.dtype)
            keys = [f"train.why.{reason}" for reason in reasons(recipe, family)]
            assert [key for key in keys for language in words if not language.has(key)] == []


@pytest.mark.parametrize("family", Family)
def test_a_file_to_take_home_names_the_family_and_its_layers(family: Family) -> None:
    machine = machine_of(family)
    recipe = preset_recipe(PRESETS[0], family, PICTURES, 1)
    about = about_seal(machine, recipe, name="ink", trigger="ohwx", pictures=PICTURES, step=None)
    headers = lora_headers(Shape(4, 4, ATTENTION), about)
    names = {FAMILIES[family].named, FAMILIES[family].named_v} - {None}
    assert headers["modelspec.architecture"] in {f"{named.architecture}/lora" for named in names if named}
    assert headers["ss_base_model_version"] in {named.kohya_base for named in names if named}
    layers = [name for name, _ in machine.unet.named_modules() if name.endswith(ATTENTION)]
    assert len({kohya_module(layer, about) for layer in layers}) == len(layers) > 0


def test_a_family_that_only_a_newer_engine_knows_is_treated_as_sd1() -> None:
    text = dump(published(Family.SDXL)).replace('"sdxl"', '"flux"')
    assert load(MachineFacts, text).model.family is Family.SD1


def test_no_other_file_spells_a_family() -> None:
    spelt = {
        str(path.relative_to(ROOT))
        for half in ("bot", "engine", "storage", "bench")
        for path in (ROOT / half).rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Constant) and node.value in {*Family}
    }
    assert spelt == ITS_OWN_FILES
