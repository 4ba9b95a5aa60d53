"""Recipes: presets that fit model and kind, numbers that go round, clashes with a reason, sizes that are true."""

from __future__ import annotations

import json
from dataclasses import fields, replace

import pytest

from bot.rules.clashes import Setting, clashes, rules_of, said_of
from bot.rules.estimate import UPLOAD_BYTES, file_bytes, is_short, memory_bytes, smaller, trained_numbers
from bot.rules.numbers import NUMBERS, PAGES, next_allowed, next_choice, steps_of, value_of
from bot.rules.progress import training_seconds
from bot.rules.recipe import differences, nearest_preset, preset_recipe, reasons
from bot.words import LANGUAGES, Words
from storage.families import FAMILIES, Family
from storage.limits import MOST_PICTURES, MOST_STEPS
from storage.presets import ATTENTION, CONV, PRESETS, WIDE
from storage.recipe import Optimizer, Preset, Prior, Recipe
from storage.states import PaletteKind
from tests.cast import facts

GPU = Setting(18, Family.SD1, "cuda NVIDIA H200", "gpu")
CPU = Setting(18, Family.SD1, "cpu x86_64", "cpu")
KINDS = tuple(PaletteKind)


def balanced(family: Family = Family.SD1, **changes: object) -> Recipe:
    return replace(preset_recipe(Preset.BALANCED, family, 18, seed=1), **changes)  # type: ignore[arg-type]


@pytest.mark.parametrize("family", Family)
@pytest.mark.parametrize("name", PRESETS)
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("pictures", [10, 18, 50])
def test_no_preset_clashes_with_itself(family: Family, name: str, kind: PaletteKind, pictures: int) -> None:
    recipe = preset_recipe(name, family, pictures, seed=1, kind=kind)
    assert clashes(recipe, Setting(pictures, family)) == ()
    assert recipe.kind == kind


@pytest.mark.parametrize("family", Family)
def test_thorough_takes_longer_than_balanced_and_that_longer_than_fast(family: Family) -> None:
    fast, middle, thorough = (preset_recipe(name, family, 18, seed=1).steps for name in PRESETS)
    assert fast < middle < thorough


@pytest.mark.parametrize("family", Family)
@pytest.mark.parametrize("kind", KINDS)
def test_every_preset_fits_into_one_message(family: Family, kind: PaletteKind) -> None:
    for name in PRESETS:
        recipe = preset_recipe(name, family, 18, 1, kind)
        assert file_bytes(recipe, family) < UPLOAD_BYTES
        assert smaller(recipe, family) == ()


def test_a_character_is_kept_to_its_trigger_and_a_style_is_mirrored() -> None:
    style, character, _ = (preset_recipe(Preset.BALANCED, Family.SD1, 18, 1, kind) for kind in KINDS)
    assert (style.flip, style.prior_weight, style.caption_dropout) == (True, 0.0, 0.05)
    assert (character.flip, character.prior_weight, character.caption_dropout) == (False, 1.0, 0.0)
    assert preset_recipe(Preset.FAST, Family.SD1, 18, 1, PaletteKind.CHARACTER).prior_weight == 0.0


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("family", Family)
def test_every_preset_of_every_kind_says_why_within_one_message(family: Family, language: str) -> None:
    words = Words(language)
    for name in PRESETS:
        for kind in KINDS:
            recipe = preset_recipe(name, family, 18, 1, kind)
            lines = [words.plain(f"train.why.{key}", **shown(recipe)) for key in reasons(recipe, family)]
            assert sum(map(len, lines)) < 3500


def shown(recipe: Recipe) -> dict[str, object]:
    """What any of the sentences about a recipe may name."""
    return {one.name: getattr(recipe, one.name) for one in fields(Recipe)}


def test_epochs_say_how_often_each_picture_is_seen() -> None:
    recipe = preset_recipe(Preset.FAST, Family.EMOJI, 18, seed=1)
    assert recipe.epochs == round(200 * 4 / 18)


@pytest.mark.parametrize("number", NUMBERS)
def test_tapping_a_number_goes_round_and_comes_back(number: str) -> None:
    seen, recipe = [], next_choice(balanced(), number, 24, Family.SD1)
    for _ in range(2 * len(NUMBERS[number].choices)):
        assert recipe.preset == "own"
        seen.append(recipe)
        recipe = next_choice(recipe, number, 24, Family.SD1)
    assert len({str(found) for found in seen}) == len(NUMBERS[number].choices)


def test_no_page_of_numbers_has_more_buttons_than_a_phone_shows() -> None:
    assert all(len(page) <= 7 for page in PAGES.values())  # and the way to the other pages
    assert len(NUMBERS) == sum(map(len, PAGES.values())), "a number stands on one page"


def test_every_field_that_a_number_sets_is_one_of_the_recipe() -> None:
    assert {number.field for number in NUMBERS.values()} <= {one.name for one in fields(Recipe)}


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", NUMBERS)
def test_every_number_has_its_name_its_advice_and_words_for_its_choices(name: str, language: str) -> None:
    words = Words(language)
    recipe = balanced()
    assert words.plain(f"train.name.{name}")
    assert words.plain(f"train.number.{name}", value="x")
    for _ in NUMBERS[name].choices:
        recipe = next_choice(recipe, name, 18, Family.SD1)
        value = value_of(recipe, name)
        assert not isinstance(value, str) or words.has(f"train.value.{value}")


def test_steps_follow_from_epochs_batch_and_accumulation() -> None:
    recipe = next_choice(balanced(), "batch", 18, Family.SD1)
    assert recipe.steps == steps_of(recipe, 18)


def test_alpha_follows_the_rank() -> None:
    half = next_choice(balanced(), "alpha", 18, Family.SD1)
    assert (half.rank, half.alpha) == (32, 16)
    larger = next_choice(half, "rank", 18, Family.SD1)
    assert (larger.rank, larger.alpha) == (64, 32)


def test_an_optimizer_that_finds_its_rate_gets_one_to_multiply_with_and_gives_it_back() -> None:
    prodigy = next_choice(balanced(optimizer=Optimizer.ADAMW_8BIT), "optimizer", 18, Family.SD1)
    assert (prodigy.optimizer, prodigy.learning_rate) == ("prodigy", 1.0)
    back = next_choice(replace(prodigy, optimizer=Optimizer.DADAPTATION), "optimizer", 18, Family.SD1)
    assert (back.optimizer, back.learning_rate) == ("adamw", 1e-4)


def test_holding_on_by_class_begins_with_pictures_and_by_trigger_with_none() -> None:
    by_class = next_choice(
        preset_recipe(Preset.BALANCED, Family.SD1, 18, 1, PaletteKind.CHARACTER), "form", 18, Family.SD1
    )
    assert (by_class.prior, by_class.class_pictures, clashes(by_class, GPU)) == ("class", 50, ())
    assert next_choice(by_class, "form", 18, Family.SD1).class_pictures == 0


CLASHES = {
    "pictures": (balanced(), Setting(MOST_PICTURES + 1, Family.SD1)),
    "number_too_large": (balanced(steps=MOST_STEPS + 1), GPU),
    "batch": (balanced(), Setting(3, Family.SD1)),
    "checkpoints": (balanced(steps=20, checkpoints=6), GPU),
    "warmup": (balanced(steps=150, warmup_steps=100), GPU),
    "snr": (balanced(Family.EMOJI, min_snr_gamma=5.0, debiased=False), Setting(18, Family.EMOJI)),
    "debiased": (balanced(debiased=True), GPU),
    "rslora": (balanced(use_rslora=True, learning_rate=1e-3), GPU),
    "dora_offload": (balanced(use_dora=True), Setting(18, Family.SD1, "cuda", "sequential-offload")),
    "loraplus": (balanced(optimizer=Optimizer.PRODIGY, learning_rate=1.0, warmup_steps=0, loraplus_ratio=16.0), GPU),
    "eight_bit": (balanced(optimizer=Optimizer.ADAMW_8BIT), CPU),
    "self_rated": (balanced(optimizer=Optimizer.PRODIGY, warmup_steps=0), GPU),
    "self_warmed": (balanced(optimizer=Optimizer.PRODIGY, learning_rate=1.0), GPU),
    "ema": (balanced(steps=100, checkpoints=3, ema_decay=0.995), GPU),
    "learns_nothing": (balanced(lora=False), GPU),
    "learns_words": (balanced(lora=False, new_tokens=2, use_dora=True), GPU),
    "prior_words": (balanced(lora=False, new_tokens=2, prior_weight=1.0), GPU),
    "prior_class": (balanced(prior=Prior.CLASS, prior_weight=1.0), GPU),
    "prior_pictures": (balanced(class_pictures=20), GPU),
}


@pytest.mark.parametrize("name", CLASHES)
def test_what_cannot_go_together_is_named_and_said_in_every_language(name: str) -> None:
    recipe, setting = CLASHES[name]
    assert clashes(recipe, setting) == (name,)
    for language in LANGUAGES:
        said = Words(language).plain(f"train.clash.{name}", **said_of(recipe, setting.pictures))
        assert len(said) <= 200, "a toast holds no more"


def test_every_clash_has_its_case_above() -> None:
    assert set(rules_of(balanced(), GPU)) == set(CLASHES)


def test_eight_bits_are_fine_on_a_gpu() -> None:
    assert clashes(balanced(optimizer=Optimizer.ADAMW_8BIT), GPU) == ()


def test_a_choice_that_clashes_is_passed_over_with_its_reason() -> None:
    changed, passed = next_allowed(balanced(), "optimizer", CPU)
    assert (changed.optimizer, passed) == ("prodigy", ("eight_bit",))
    assert next_allowed(balanced(), "optimizer", GPU)[0].optimizer == "adamw8bit"


def test_where_every_other_choice_clashes_nothing_changes() -> None:
    prodigy = balanced(optimizer=Optimizer.PRODIGY, learning_rate=1.0)
    assert next_allowed(prodigy, "loraplus", GPU) == (prodigy, ("loraplus",))
    assert next_allowed(prodigy, "rate", GPU) == (prodigy, ("self_rated",))
    assert next_allowed(balanced(), "learns", GPU)[1] == ("learns_nothing",)


def test_a_clash_that_is_there_already_does_not_lock_the_other_numbers() -> None:
    setting = Setting(3, Family.SD1)  # the palette shrank after the recipe was made
    assert clashes(balanced(), setting) == ("batch",)
    changed, passed = next_allowed(balanced(), "flip", setting)
    assert (changed.flip, passed) == (False, ())


@pytest.mark.parametrize("setting", [GPU, CPU, Setting(18, Family.EMOJI)])
def test_tapping_alone_never_leads_to_a_clash(setting: Setting) -> None:
    recipe = balanced(setting.family)
    for turn in range(3):
        for name in NUMBERS:
            for _ in range(1 + turn):
                recipe, _ = next_allowed(recipe, name, setting)
                assert clashes(recipe, setting) == ()


def test_resetting_goes_to_the_preset_that_the_numbers_began_from() -> None:
    for name in PRESETS:
        start = preset_recipe(name, Family.SD1, 18, 1, PaletteKind.CHARACTER)
        own = next_choice(next_choice(start, "rslora", 18, Family.SD1), "rank", 18, Family.SD1)
        assert nearest_preset(own, Family.SD1, 18) == start
        assert differences(own, start) == {"rank", "alpha", "use_rslora"}


def test_a_file_too_large_for_a_chat_has_ways_out_that_fit() -> None:
    rich = balanced(Family.SDXL, rank=32, alpha=32, targets=CONV)
    assert file_bytes(rich, Family.SDXL) == pytest.approx(197e6, rel=0.01)
    ways = smaller(rich, Family.SDXL)
    assert [(way.rank, way.targets) for way in ways] == [(8, CONV)]
    ways = smaller(balanced(Family.SDXL, rank=16, alpha=8, targets=WIDE), Family.SDXL)
    assert [(way.rank, way.alpha, way.targets) for way in ways] == [(8, 4, WIDE), (16, 8, ATTENTION)]
    assert all(file_bytes(way, Family.SDXL) <= UPLOAD_BYTES for way in ways)


def test_new_words_alone_make_a_file_of_kilobytes_and_the_text_encoder_adds_its_part() -> None:
    assert file_bytes(balanced(lora=False, new_tokens=2), Family.SD1) == 2 * 2 * 768
    added = trained_numbers(balanced(text_encoder_learning_rate=5e-5), Family.SD1) - trained_numbers(
        balanced(), Family.SD1
    )
    assert added == 32 * 12 * 4 * (768 + 768)


def test_memory_grows_with_batch_and_state_and_shortness_is_known_only_where_the_machine_said_its_size() -> None:
    one, four = (memory_bytes(balanced(batch_size=n), Family.SDXL, "bfloat16") for n in (1, 4))
    assert four - one == 3 * FAMILIES[Family.SDXL].anatomy.activations
    plain = memory_bytes(balanced(), Family.SDXL, "bfloat16")
    assert memory_bytes(balanced(optimizer=Optimizer.ADAMW_8BIT), Family.SDXL, "bfloat16") < plain
    assert memory_bytes(balanced(optimizer=Optimizer.PRODIGY), Family.SDXL, "bfloat16") > plain
    small = replace(facts(), memory_bytes=8 * 10**9)
    assert is_short(balanced(Family.SDXL), Family.SDXL, small)
    assert not is_short(balanced(Family.SDXL), Family.SDXL, replace(small, dtype="bfloat16", memory_bytes=80 * 10**9))
    assert not is_short(balanced(Family.SDXL), Family.SDXL, facts())


def test_time_counts_all_pictures_of_a_step_and_what_the_options_cost() -> None:
    plain = training_seconds(balanced(batch_size=4, accumulation=1), 0, facts())
    assert training_seconds(balanced(batch_size=2, accumulation=2), 0, facts()) == plain == 600 * 0.2
    assert training_seconds(balanced(batch_size=4, accumulation=4), 0, facts()) == 4 * plain
    assert training_seconds(balanced(batch_size=4, accumulation=1, prior_weight=1.0), 0, facts()) > 1.4 * plain
    assert training_seconds(balanced(), 4, facts()) == pytest.approx(plain + 5 * 4 * 0.4)


def test_a_recipe_survives_being_written_down() -> None:
    from storage.documents import dump, load

    recipe = next_choice(balanced(), "targets", 18, Family.SD1)
    assert load(Recipe, dump(recipe)) == recipe
    assert json.loads(dump(recipe))["targets"] == list(CONV if recipe.targets == CONV else WIDE)


def test_only_a_style_of_the_embedded_model_begins_as_a_look_that_it_knows() -> None:
    style, character, concept = (preset_recipe(Preset.FAST, Family.EMOJI, 18, 1, kind) for kind in KINDS)
    assert style.new_tokens == 1
    assert "neon sign" in style.initializers
    assert all((one.new_tokens, one.initializers) == (0, ()) for one in (character, concept))
    assert preset_recipe(Preset.FAST, Family.SD1, 18, 1).new_tokens == 0
