"""Puts prompts together: subject + modifiers + boosters, the style's part the same to the comma every time."""

from __future__ import annotations

import re

from storage.records import Style

STRENGTH_STEP = 0.15  # A1111's users move weights by 0.1–0.2; below that nobody sees a difference
STRONGEST = 3
LONGEST_WORDS = 400  # characters of a style or subject: twice what CLIP's 77 tokens hold
UNIVERSAL_NEGATIVE = ("low quality", "blurry", "deformed", "bad anatomy")
ARTICLES = ("a ", "an ", "the ", "two ", "three ", "some ", "my ")
WEIGHT = re.compile(r":\s*[+-]?[.\d]+\s*(?=\))")
BRACKETS = re.compile(r"(?<!\\)[()\[\]]")


def compose(subject: str, style: Style) -> str:
    """The prompt of a subject in a style."""
    parts = (phrase(subject), weighted(style.modifiers, style.strength), style.boosters)
    return ", ".join(part for part in parts if part)


def phrase(subject: str) -> str:
    """A subject as a prompt says it: with an article, unless the person wrote one."""
    text = subject.strip()
    if not text or text.lower().startswith(ARTICLES) or text[0].isdigit() or not text.isascii():
        return text
    return f"an {text}" if text[0].lower() in "aeiou" else f"a {text}"


def bare(subject: str) -> str:
    """A subject without its article, on one line and no longer than a prompt holds."""
    text = " ".join(subject.split()).strip(" ,.;")[:LONGEST_WORDS]
    for article in ("a ", "an ", "the "):
        if text.lower().startswith(article):
            return text[len(article) :].strip()
    return text


def weighted(modifiers: str, strength: int) -> str:
    """The modifiers, more or less stressed in A1111's syntax."""
    if not strength or not modifiers:
        return modifiers
    return f"({modifiers}:{1 + STRENGTH_STEP * strength:.2f})"


def strength_of(prompt: str, subject: str, style: Style) -> int:
    """The strength at which this style makes this prompt; the style's own when none does."""
    for strength in range(-STRONGEST, STRONGEST + 1):
        text = weighted(style.modifiers, strength)
        if prompt == ", ".join(part for part in (phrase(subject), text, style.boosters) if part):
            return strength
    return style.strength


def plain(text: str) -> str:
    """A prompt without its weights and brackets; escaped brackets become plain ones."""
    return re.sub(r"\\([()\[\]\\])", r"\1", BRACKETS.sub("", WEIGHT.sub("", text)))


def negative_of(written: str, family: str, *, is_own: bool) -> str:
    """What to avoid: the style's own opposites and what nobody wants.

    The embedded model was never told what low quality or a photo is: there such words blur the picture (tried), so only
    what the person wrote themselves counts.
    """
    wanted = [part.strip() for part in written.split(",") if part.strip()]
    if family == "emoji":
        return ", ".join(wanted) if is_own else ""
    return ", ".join(dict.fromkeys([*wanted, *UNIVERSAL_NEGATIVE]))


def with_trigger(prompt: str, trigger: str) -> str:
    """A prompt that calls the seal: the trigger is put at its end when it is not there."""
    if re.search(rf"(?<!\w){re.escape(trigger)}(?!\w)", prompt, re.IGNORECASE):
        return prompt
    return f"{phrase(prompt)}, {trigger}"


def one_line(text: str) -> str:
    """A written style on one line, commas tidy."""
    return re.sub(r"\s*,[\s,]*", ", ", " ".join(text.split())).strip(" ,")
