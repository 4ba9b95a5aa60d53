"""A text as it comes from a person, made one that every screen can show and every file can hold: at the one entry."""

from __future__ import annotations

import unicodedata

import regex

# Newlines of every system, also those of Unicode and of old terminals.
NEWLINE = regex.compile(r"\r\n|[\r\n\v\f\x1c-\x1e\x85\u2028\u2029]")
TAB = regex.compile(r"[\t\x1f]")
# Control and format characters (bidi overrides, zero-width spaces, byte order marks, tags), lone surrogates, characters
# that are none, and letters that show nothing (Hangul fillers, the braille blank).
UNSEEN = regex.compile(
    r"[\p{Cc}\p{Cf}\p{Cs}\p{Noncharacter_Code_Point}\u034F\u115F\u1160\u17B4\u17B5\u2800\u3164\uFFA0]"
)
# A joiner stays inside an emoji (a family is three people) and between letters of writings that join, as Persian.
NOT_IN_EMOJI = regex.compile(r"[^\P{C}\u200D\U000E0020-\U000E007F]")  # tags make a flag of a region
JOINERS = "\u200c\u200d"
JOINING = regex.compile(r"[\p{L}\p{M}]")
NOT_JOINING = regex.compile(r"[\p{Latin}\p{Greek}\p{Cyrillic}\p{Hangul}\p{Han}\p{Hiragana}\p{Katakana}]")
MOST_MARKS = 6  # accents on one letter; no writing needs more, a joke has hundreds
MARKS = regex.compile(rf"(\p{{M}}{{{MOST_MARKS}}})\p{{M}}+")


def readable(text: str) -> str:
    """The text in NFC, with "\\n" for every kind of newline, and without what nobody sees."""
    text = str(TAB.sub(" ", NEWLINE.sub("\n", text)))
    kept = "".join(_seen(match[0]) for match in regex.finditer(r"\n|\X", text))
    return str(MARKS.sub(r"\1", unicodedata.normalize("NFC", kept)))


def _seen(sign: str) -> str:
    """One sign without its unseen parts; joiners stay where they join."""
    if sign == "\n":
        return sign
    if regex.match(r"\p{Extended_Pictographic}", sign):
        return str(NOT_IN_EMOJI.sub("", sign)).rstrip(JOINERS)
    if any(joiner in sign for joiner in JOINERS) and JOINING.match(sign) and not NOT_JOINING.match(sign):
        return "".join(part for part in sign if part in JOINERS or not UNSEEN.match(part))
    return str(UNSEEN.sub("", sign))
