"""Which English words are one word in another form or spelling: watercolors, watercolour, water-colour. Pure."""

from __future__ import annotations

import re
from functools import lru_cache

import snowballstemmer

STEMMER = snowballstemmer.stemmer("english")  # Porter's second algorithm
ENDS_IN_RE = "(calib|cent|fib|lit|lust|meag|met|mit|och|sab|sepulch|somb|spect|theat)"
# British to American, and where both are written, to one of the two. A key need not be a word, only the same for both,
# so that "-ize" may become "-ise" without a list of the words that never had a z.
SPELLINGS = tuple(
    (re.compile(pattern), better)
    for pattern, better in (
        (r"[’']s?$", ""),
        (r"grey", "gray"),
        (
            r"(ard|arm|behavi|cand|clam|col|demean|endeav|fav|flav|glam|harb|hon|hum|lab|neighb|od|parl|rum|sav|splend"
            r"|vap|vig)our",
            r"\1or",
        ),
        (r"([iy])z(e|ed|es|er|ers|ing|ation|ations)$", r"\1s\2"),
        (rf"{ENDS_IN_RE}re(s)?$", r"\1er\2"),
        (rf"{ENDS_IN_RE}r(ed|ing)$", r"\1er\2"),
        (r"jewell?e?ry$", "jewelry"),
        (r"ll(ed|ing|er|ers|en|ens)$", r"l\1"),
        (r"ogue(s)?$", r"og\1"),
        (r"aesthet", "esthet"),
        (r"mediaev", "mediev"),
        (r"archaeo", "archeo"),
        (r"manoeuv(re|er)", "maneuver"),
        (r"moul[dt]", lambda match: match[0].replace("ou", "o")),
        (r"smoulder", "smolder"),
        (r"moustach", "mustach"),
        (r"pyjama", "pajama"),
        (r"plough", "plow"),
        (r"draught", "draft"),
        (r"programme(s)?$", r"program\1"),
        (r"aluminium", "aluminum"),
        (r"sulphur", "sulfur"),
        (r"sceptic", "skeptic"),
        (r"doughnut", "donut"),
        (r"co[sz]y$|cosi(er|est|ly)$", lambda match: match[0].replace("s", "z", 1)),
        (r"(def|off|pret)ence(s)?$", r"\1ense\2"),
        (r"storey", "story"),
        (r"tyre(s)?$", r"tire\1"),
    )
)


@lru_cache(maxsize=4096)
def kin(word: str) -> str:
    """The key that all forms and spellings of a word share; hyphens do not count."""
    key = word.lower().replace("-", "")
    for pattern, better in SPELLINGS:
        key = pattern.sub(better, key)
    return str(STEMMER.stemWord(key))
