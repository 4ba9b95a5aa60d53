"""Puts prompts together: subject + modifiers + boosters, the style's part the same to the comma every time."""

from __future__ import annotations

import re
from dataclasses import replace

from storage import attention_syntax, trigger
from storage.attention_syntax import whole
from storage.families import FAMILIES, Family
from storage.records import Style

EMPHASIS_STEP = 0.15  # A1111's users move weights by 0.1–0.2; below that nobody sees a difference
MOST_EMPHASIS = 3
LONGEST_WORDS = 400  # characters of a style or subject: twice what CLIP's 77 tokens hold
UNIVERSAL_NEGATIVE = ("low quality", "blurry", "deformed", "bad anatomy")
ARTICLES = ("a ", "an ", "the ", "two ", "three ", "some ", "my ")


def compose(subject: str, style: Style) -> str:
    """The prompt of a subject in a style; brackets of one part weigh nothing of another."""
    parts = (whole(phrase(subject)), weighted(style.modifiers, style.emphasis), whole(style.boosters))
    return ", ".join(part for part in parts if part)


def phrase(subject: str) -> str:
    """A subject as a prompt says it: with an article, unless the person wrote one."""
    text = subject.strip()
    if not text or text.lower().startswith(ARTICLES) or text[0].isdigit() or not text.isascii():
        return text
    return f"an {text}" if text[0].lower() in "aeiou" else f"a {text}"


def bare(subject: str) -> str:
    """A subject without its article, on one line."""
    text = " ".join(subject.split()).strip(" ,.;")
    for article in ("a ", "an ", "the "):
        if text.lower().startswith(article):
            return text[len(article) :].strip()
    return text


def weighted(modifiers: str, emphasis: int) -> str:
    """The modifiers, the whole of them more or less stressed in A1111's syntax."""
    if not emphasis or not modifiers:
        return whole(modifiers)
    return attention_syntax.weighted(modifiers, 1 + EMPHASIS_STEP * emphasis)


def emphasis_of(prompt: str, subject: str, style: Style) -> int | None:
    """The emphasis with which this style makes this prompt; None for a prompt of other words."""
    for emphasis in range(-MOST_EMPHASIS, MOST_EMPHASIS + 1):
        if prompt == compose(subject, replace(style, emphasis=emphasis)):
            return emphasis
    return None


def negative_of(written: str, family: Family, *, is_own: bool) -> str:
    """What to avoid: the style's own opposites and what nobody wants.

    Of a model that knows no quality, only what the person wrote themselves counts.
    """
    wanted = [part.strip() for part in written.split(",") if part.strip()]
    if not FAMILIES[family].knows_quality:
        return ", ".join(wanted) if is_own else ""
    return ", ".join(dict.fromkeys([*wanted, *UNIVERSAL_NEGATIVE]))


def beyond(written: str, given: str) -> str:
    """The parts of a list that are none of another list's."""
    others = {part.strip().lower() for part in given.split(",")}
    return ", ".join(part for part in map(str.strip, written.split(",")) if part and part.lower() not in others)


def with_trigger(prompt: str, word: str) -> str:
    """A prompt that calls the seal: the trigger is put at its end, outside of any bracket, when it is not there."""
    return whole(prompt) if trigger.has(prompt, word) else trigger.added(whole(phrase(prompt)), word)


def one_line(text: str) -> str:
    """A written style on one line, commas tidy."""
    spelt = attention_syntax.weights_spelt(" ".join(text.split()))
    return re.sub(r"\s*,[\s,]*", ", ", spelt).strip(" ,")
