"""What people write: kept whole, made readable, looked at once, and never larger than what holds it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot.rules.lengths import units
from bot.screens import CopyButton, Notice, Screen
from storage.chunks import MOST_CHUNKS
from storage.requests import HuntRequest, read_request
from storage.states import JobKind, Stage
from storage.store import Store
from tests.cast import Traveller

LONG = "loose watercolor painting, wet-on-wet washes, visible paper grain, soft bleeding edges, muted earthy palette, "
LONG += "delicate ink outlines, negative space, gentle morning light, hand-drawn storybook illustration, high detail"


async def writes_a_style(anna: Traveller, words: str) -> None:
    await anna.says("/start")
    await anna.taps("quest.new")
    await anna.taps("style.kind", "style")
    await anna.taps("style.words")
    await anna.says(words)


async def goes_on_to_the_hunt(anna: Traveller) -> None:
    await anna.taps("style.ok")
    await anna.taps("trigger.use", "ohwx")
    await anna.taps("trigger.ok")


async def comes_to_the_captions(anna: Traveller, words: str, *, subject: str = "") -> None:
    await writes_a_style(anna, words)
    await goes_on_to_the_hunt(anna)
    await anna.hunts(subject)
    await anna.picks(1)
    await anna.fills_the_payload()
    await anna.curates(keep=18)
    if anna.offers("prepare.ok"):
        await anna.taps("prepare.ok")


async def captions(anna: Traveller, store: Store) -> list[str]:
    return [c.caption for c in await store.candidates.of((await anna.quest()).id) if c.caption]


@pytest.mark.parametrize("words", [LONG, "🦊" * 200, "ink", "я" * 300])
async def test_seed_and_settings_can_always_be_copied_whole_and_so_can_the_prompt(anna: Traveller, words: str) -> None:
    await writes_a_style(anna, words)
    await goes_on_to_the_hunt(anna)
    await anna.hunts()
    await anna.picks(1)
    alone = next(screen for screen in anna.screens() if screen.slot == "pick")
    copied = [button.copies for row in alone.rows for button in row if isinstance(button, CopyButton)]
    assert all(1 <= units(text) <= 256 for text in copied)
    assert any("Seed: " in text and "Size: " in text for text in copied)
    told = [message.text for message in anna.seen if isinstance(message, Notice)]
    assert any(words in text for text in [*copied, *told])


async def test_own_words_after_a_look_leave_nothing_of_the_look_but_what_the_person_avoids(anna: Traveller) -> None:
    await anna.says("/start")
    await anna.taps("quest.new")
    await anna.taps("style.kind", "style")
    await anna.taps("style.preset", "neon-sign")
    look = (await anna.quest()).style
    assert look.negative
    await anna.taps("style.avoid")
    await anna.says(f"{look.negative}, green")
    await anna.taps("style.words")
    await anna.says("watercolor")
    style = (await anna.quest()).style
    assert (style.preset, style.boosters, style.negative, style.modifiers) == ("", "", "green", "watercolor")


async def test_a_look_after_own_words_leaves_nothing_of_them(anna: Traveller) -> None:
    await writes_a_style(anna, "watercolor")
    await anna.taps("style.avoid")
    await anna.says("green")
    await anna.taps("nav.back")
    await anna.taps("style.preset", "neon-sign")
    style = (await anna.quest()).style
    assert "watercolor" not in f"{style.modifiers} {style.boosters} {style.name}"
    assert "green" not in style.negative


async def test_a_picture_of_other_words_cannot_be_picked_for_the_style(anna: Traveller) -> None:
    await writes_a_style(anna, "ink")
    await goes_on_to_the_hunt(anna)
    await anna.hunts()
    await anna.taps("style.words")
    await anna.says("watercolor")
    await goes_on_to_the_hunt(anna)
    await anna.hunts()
    newest = anna.finds("hunt.pick", "5")
    await anna.presses(replace(newest, data=newest.data.replace("hunt.pick:5", "hunt.pick:2")))
    assert (await anna.quest()).pick is None
    await anna.presses(newest)
    assert (await anna.quest()).pick is not None


async def test_a_written_caption_that_names_the_look_is_pointed_out_once_and_may_stay(
    anna: Traveller, store: Store
) -> None:
    await comes_to_the_captions(anna, "watercolor")
    await anna.taps("captions.one")
    await anna.says("a happy Watercolour castle")
    assert "<s>Watercolour</s>" in anna.newest()
    await anna.taps("captions.leave")
    assert (await anna.quest()).cursor == 1
    await anna.taps("nav.back")
    assert "<s>" not in anna.newest()
    assert (await captions(anna, store))[0] == "a happy Watercolour castle, ohwx"


async def test_a_written_caption_loses_the_look_by_one_tap(anna: Traveller, store: Store) -> None:
    await comes_to_the_captions(anna, "watercolor")
    await anna.taps("captions.one")
    await anna.says("a watercolour owl")
    await anna.taps("captions.fix")
    assert (await captions(anna, store))[0] == "an owl, ohwx"


async def test_written_captions_follow_a_new_trigger(anna: Traveller, store: Store) -> None:
    await comes_to_the_captions(anna, "ink")
    await anna.taps("captions.one")
    await anna.says("Ohwx castle")
    quest = await anna.quest()
    while (await anna.quest()).stage is not Stage.TRIGGER:
        await anna.taps("nav.back")
    await anna.says("zmkt")
    assert (await store.candidates.of(quest.id))[0].caption == "zmkt castle"


@pytest.mark.parametrize("subject", ["fox\0\x01 in\u202e snow", "\u200bfox in snow\ud800"])
async def test_unseen_characters_reach_no_screen(anna: Traveller, store: Store, subject: str) -> None:
    await comes_to_the_captions(anna, "ink", subject=subject)
    assert (await anna.quest()).subject == "fox in snow"
    for message in anna.seen:
        if isinstance(message, (Screen, Notice)):
            assert not set(message.text) & set("\0\x01\u200b\u202e\ud800")


async def test_a_text_of_nothing_that_can_be_seen_is_answered_and_changes_nothing(anna: Traveller) -> None:
    await writes_a_style(anna, "ink")
    before = await anna.quest()
    reply = await anna.says("\u200b\0")
    assert reply.messages
    assert (await anna.quest()).style == before.style


async def test_more_chunks_than_the_model_takes_are_refused_with_a_sentence_before_the_queue(
    anna: Traveller, store: Store
) -> None:
    await writes_a_style(anna, "ink")
    await goes_on_to_the_hunt(anna)
    reply = await anna.says(" BREAK ".join(["fox"] * (MOST_CHUNKS + 1)))
    assert str(MOST_CHUNKS) in reply.messages[0].text  # type: ignore[union-attr]
    assert "BREAK" not in (await anna.quest()).subject
    await anna.says(" BREAK ".join(["fox"] * (MOST_CHUNKS - 1)))
    await anna.taps("hunt.start")
    job = await store.queue.latest((await anna.quest()).id, JobKind.HUNT)
    assert job is not None
    request = read_request(job.request)
    assert isinstance(request, HuntRequest)
    assert request.rows[0].prompt.count("BREAK") == MOST_CHUNKS - 2


async def test_a_text_that_is_too_long_is_refused_whole_and_never_cut(anna: Traveller) -> None:
    await writes_a_style(anna, "ink")
    await goes_on_to_the_hunt(anna)
    before = (await anna.quest()).subject
    reply = await anna.says("fox " * 200)
    assert "400" in reply.messages[0].text  # type: ignore[union-attr]
    assert (await anna.quest()).subject == before


PASTED = "a castle, ink\nNegative prompt: blurry\nSteps: 30, Sampler: Euler, CFG scale: 5, Seed: 1, Model: dream"


async def test_pasted_generation_data_is_shown_before_it_counts_and_then_makes_the_style(
    anna: Traveller, store: Store
) -> None:
    await writes_a_style(anna, PASTED)
    assert (await anna.quest()).style.modifiers == ""
    assert "<i>blurry</i>" in anna.newest()
    await anna.taps("pasted.take")
    style = (await anna.quest()).style
    assert (style.modifiers, style.negative) == ("a castle, ink", "blurry")
    await goes_on_to_the_hunt(anna)
    await anna.taps("hunt.start")
    job = await store.queue.latest((await anna.quest()).id, JobKind.HUNT)
    assert job is not None
    request = read_request(job.request)
    assert isinstance(request, HuntRequest)
    drawing = request.rows[0].drawing
    assert (drawing.sampler.value, drawing.steps, drawing.guidance_scale) == ("Euler", 30, 5)


async def test_pasted_generation_data_may_count_as_plain_words_or_not_at_all(anna: Traveller) -> None:
    await writes_a_style(anna, PASTED)
    await anna.taps("pasted.drop")
    assert (await anna.quest()).style.modifiers == ""
    await anna.says(PASTED)
    await anna.taps("pasted.plain")
    assert "Negative prompt: blurry" in (await anna.quest()).style.modifiers


async def test_a_pasted_prompt_becomes_the_hunts_subject_without_its_settings(anna: Traveller) -> None:
    await writes_a_style(anna, "ink")
    await goes_on_to_the_hunt(anna)
    await anna.says(PASTED)
    await anna.taps("pasted.take")
    assert (await anna.quest()).subject == "castle, ink"


async def test_a_card_of_pasted_data_is_old_once_the_quest_went_on(anna: Traveller) -> None:
    await writes_a_style(anna, PASTED)
    old = anna.finds("pasted.take")
    await anna.says("watercolor")
    await anna.presses(old)
    assert (await anna.quest()).style.modifiers == "watercolor"
