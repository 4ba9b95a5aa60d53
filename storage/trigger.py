"""Is the trigger here? Found, added, taken out and replaced by whole words, whatever the case. Pure.

The one answer for prompts, captions, the caption linter, prior preservation, initializers and the encoder's look-up of
learnt words. A word ends where no letter, digit, underscore or accent follows; brackets, weights and commas end it too.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator

import regex

WORD_MARK = r"[\w\p{M}]"
# What is left standing alone once a word is gone: "(:1.2)", "(, castle)", "castle, )", '""'. Taken out until none is.
HOLLOW = regex.compile(
    r"""
    \\?[(\[]\s*(?::\s*[+-]?[.\d]+\s*)?\\?[)\]]   # brackets around nothing, with their weight
    |"\s*"|“\s*”|'\s*'|«\s*»                     # quotes around nothing
    |(?<=[(\[])[\s,]+                            # a comma that opens a bracket
    |\s*,[\s,]*(?=\s*(?::\s*[.\d]+\s*)?[)\]])    # a comma that closes one
    """,
    regex.VERBOSE,
)


def has(text: str, trigger: str) -> bool:
    """Whether the trigger is one of the text's words."""
    return bool(trigger) and _pattern([trigger]).search(text) is not None


def added(text: str, trigger: str) -> str:
    """The text with the trigger at its end, unless it is there."""
    if not trigger or has(text, trigger):
        return text
    return f"{text}, {trigger}" if text else trigger


def replaced(text: str, trigger: str, words: str) -> str:
    """The text with other words wherever the trigger is said."""
    return _pattern([trigger]).sub(lambda _match: words, text) if trigger else text


def without(text: str, trigger: str) -> str:
    """The text without the trigger, and without the empty part, bracket or hyphen it would leave."""
    if not has(text, trigger):
        return text
    left = regex.sub(rf"[-–]*{_pattern([trigger]).pattern}(?:['’]s(?!\w))?[-–]*", " ", text, flags=regex.IGNORECASE)
    while (tidier := HOLLOW.sub("", left)) != left:
        left = tidier
    parts = (regex.sub(r"(?<=[(\[])\s+|\s+(?=[)\]:])", "", " ".join(part.split())) for part in left.split(","))
    return ", ".join(part for part in parts if part)


def spelt(text: str, triggers: Collection[str]) -> Iterator[tuple[str, str]]:
    """The text in pieces, in order: (words, "") between triggers and (as written, trigger) where one is said.

    Where one trigger begins another, the longer is meant.
    """
    known = sorted(filter(None, triggers), key=len, reverse=True)
    if not known:
        yield text, ""
        return
    end = 0
    for match in _pattern(known).finditer(text):
        if match.start() > end:
            yield text[end : match.start()], ""
        yield match[0], known[match.lastindex - 1]
        end = match.end()
    if end < len(text):
        yield text[end:], ""


def _pattern(triggers: Collection[str]) -> regex.Pattern[str]:
    """A group a trigger; between the words of one, any space."""
    choices = "|".join("(" + r"\s+".join(map(regex.escape, trigger.split())) + ")" for trigger in triggers)
    return regex.compile(rf"(?<!{WORD_MARK})(?:{choices})(?!{WORD_MARK})", regex.IGNORECASE)
