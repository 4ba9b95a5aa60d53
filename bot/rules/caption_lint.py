"""Captions say what is in a picture and leave the look to the trigger. Drafts them and finds words that leaked."""

from __future__ import annotations

import html
import re
from collections.abc import Collection, Iterator
from itertools import pairwise

from bot.rules.lengths import cut
from bot.rules.prompt import phrase
from bot.rules.word_kin import kin
from storage import trigger
from storage.attention_syntax import plain
from storage.records import Style

WORD = re.compile(r"[^\W_]+(?:['’-][^\W_]+)*")
LONGEST_CAPTION = 300
SHORTEST_WORD = 3  # letters: "of" and "in" belong to every sentence
# Words that name no look, so that a style may use them and a caption too.
INNOCENT = frozenset(map(kin, ("and", "for", "from", "into", "the", "with", "very", "style", "look", "background")))
ARTICLE = re.compile(r"\b(an?)\s+$", re.IGNORECASE)
ARTICLES = ("a", "an", "the")

Span = tuple[int, int]
"""Where a leak begins and ends in a caption."""


def draft(subject: str, word: str) -> str:
    """`content, trigger`: the subject is the truth about a picture that we asked for ourselves."""
    return trigger.added(phrase(subject), word)


def style_words(style: Style) -> frozenset[str]:
    """The words that belong to the look, as keys that all their forms and spellings share.

    Neighbours are one word too, so that "water colour" and "watercolor", "hand drawn" and "hand-drawn" are the same.
    """
    found: set[str] = set()
    for part in plain(f"{style.modifiers}, {style.boosters}").split(","):
        words = [match[0] for match in WORD.finditer(part)]
        found |= {kin(word) for word in words if len(word) >= SHORTEST_WORD}
        found |= {kin(first + second) for first, second in pairwise(words)}
    return frozenset(found - INNOCENT)


def leaks(caption: str, style: Style, left: Collection[str] = ()) -> tuple[str, ...]:
    """Words of the caption that belong to the style, as the caption spells them. The trigger is none.

    `left`: words, in small letters, that the person wants to stay.
    """
    return tuple(caption[start:end] for start, end in _spans(caption, style, left))


def fixed(caption: str, style: Style, left: Collection[str] = ()) -> str:
    """The caption without its leaks, commas and articles tidy; never less than the trigger."""
    while spans := _spans(caption, style, left):
        for start, end in reversed(spans):
            caption = _without(caption, start, end)
        parts = [" ".join(part.split()).strip("-–") for part in caption.split(",")]
        caption = ", ".join(part for part in parts if part and part.lower() not in ARTICLES)
    return caption or style.trigger


def struck(caption: str, style: Style, left: Collection[str] = ()) -> str:
    """The caption as Telegram HTML, with its leaks struck through."""
    marked, end = "", 0
    for first, last in _spans(caption, style, left):
        marked += f"{_escaped(caption[end:first])}<s>{_escaped(caption[first:last])}</s>"
        end = last
    return marked + _escaped(caption[end:])


def tidy(text: str, word: str) -> str:
    """A caption as written by a person: one line, not too long, with the trigger in it."""
    return trigger.added(cut(" ".join(text.split()).strip(" ,"), LONGEST_CAPTION).strip(" ,"), word)


def _spans(caption: str, style: Style, left: Collection[str]) -> list[Span]:
    own = style_words(style)
    words = [match for match in WORD.finditer(caption) if not trigger.has(match[0], style.trigger)]
    found = [match.span() for match in words if own & set(_keys(match[0]))]
    for first, second in pairwise(words):
        is_pair = caption[first.end() : second.start()].isspace()
        if is_pair and kin(first[0] + second[0]) in own and not (first.span() in found and second.span() in found):
            found.append((first.start(), second.end()))
    return [(start, end) for start, end in _merged(found) if caption[start:end].lower() not in left]


def _keys(word: str) -> Iterator[str]:
    """A word as a whole and, where hyphens join it, each of its parts."""
    yield kin(word)
    if "-" in word:
        yield from (kin(part) for part in word.split("-") if len(part) >= SHORTEST_WORD)


def _merged(spans: list[Span]) -> list[Span]:
    """Spans in order; those that overlap are one."""
    found: list[Span] = []
    for start, end in sorted(spans):
        if found and start < found[-1][1]:
            found[-1] = (found[-1][0], max(end, found[-1][1]))
        else:
            found.append((start, end))
    return found


def _without(caption: str, start: int, end: int) -> str:
    """The caption without one span; the article before it suits the word that now follows."""
    before, after = caption[:start], caption[end:].lstrip(" ")
    article = ARTICLE.search(before)
    if article and after[:1].isalpha():
        fitting = article[1][0] + ("n" if after[0].lower() in "aeiou" else "")
        before = before[: article.start()] + fitting + " "
    return before + (after if before.endswith((" ", "")) else f" {after}")


def _escaped(text: str) -> str:
    return html.escape(text, quote=False)
