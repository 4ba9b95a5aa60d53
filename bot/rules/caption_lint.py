"""Captions say what is in a picture and leave the look to the trigger. Drafts them and finds words that leaked."""

from __future__ import annotations

import html
import re

from bot.rules.prompt import phrase, plain
from storage.records import Style

WORD = re.compile(r"[^\W_]+(?:['-][^\W_]+)*")
LONGEST_CAPTION = 300
# Words that name no look, so that a style may use them and a caption too.
INNOCENT = frozenset({"and", "for", "from", "into", "the", "with", "very", "style", "look", "background"})


def draft(subject: str, trigger: str) -> str:
    """`content, trigger`: the subject is the truth about a picture that we asked for ourselves."""
    return f"{phrase(subject)}, {trigger}"


def style_words(style: Style) -> frozenset[str]:
    """The words that belong to the look, in lower case."""
    found = WORD.findall(plain(f"{style.modifiers}, {style.boosters}").lower())
    return frozenset(word for word in found if len(word) > 2 and word not in INNOCENT)


def leaks(caption: str, style: Style) -> tuple[str, ...]:
    """Words of the caption that belong to the style, as the caption spells them. The trigger is none."""
    own = style_words(style)
    return tuple(
        word for word in WORD.findall(caption) if word.lower() in own and word.lower() != style.trigger.lower()
    )


def fixed(caption: str, style: Style) -> str:
    """The caption without its leaks, commas tidy; never less than the trigger."""
    words = set(leaks(caption, style))
    kept = WORD.sub(lambda match: "" if match[0] in words else match[0], caption)
    parts = [" ".join(part.split()) for part in kept.split(",")]
    return ", ".join(part for part in parts if part and part not in ("a", "an", "the")) or style.trigger


def struck(caption: str, style: Style) -> str:
    """The caption as Telegram HTML, with its leaks struck through."""
    words = set(leaks(caption, style))

    def strike(match: re.Match[str]) -> str:
        return f"\0{match[0]}\1" if match[0] in words else match[0]

    marked = html.escape(WORD.sub(strike, caption), quote=False)
    return marked.replace("\0", "<s>").replace("\1", "</s>")


def tidy(text: str, trigger: str) -> str:
    """A caption as written by a person: one line, not too long, with the trigger in it."""
    line = " ".join(text.split()).strip(" ,")[:LONGEST_CAPTION].strip(" ,")
    if re.search(rf"(?<!\w){re.escape(trigger)}(?!\w)", line, re.IGNORECASE):
        return line
    return f"{line}, {trigger}" if line else trigger
