"""Subject lists: read from what a person wrote, templates unfolded, spread over a payload with their seeds."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import islice, product

from bot.rules.lengths import units
from bot.rules.prompt import bare
from storage.records import Seed
from storage.states import SubjectsFrom, Way

MOST_SUBJECTS = 100
LONGEST_SUBJECT = 80  # UTF-16 units; a subject is a few words, the style needs the rest of the tokens
ALTERNATIVES = re.compile(r"\{([^{}]*)\}")
SEEDS = 2**32


def read_subjects(text: str) -> tuple[str, ...]:
    """Subjects from lines (or, on one line, from commas and semicolons); `{red|blue} {cat|dog}` gives four.

    Without articles, doubles and empty ones; at most 100, and none of more than 80 UTF-16 units.
    """
    fitting = (subject for subject in _each(text) if units(subject) <= LONGEST_SUBJECT)
    return tuple(islice(fitting, MOST_SUBJECTS))


def left_out(text: str) -> tuple[int, bool]:
    """How many of the first subjects are too long to be taken, and whether there are more than are taken."""
    first = tuple(islice(_each(text), MOST_SUBJECTS + 1))
    return sum(units(subject) > LONGEST_SUBJECT for subject in first), len(first) > MOST_SUBJECTS


def _each(text: str) -> Iterator[str]:
    """Every subject that is written, once, in order."""
    parts = text.splitlines() if "\n" in text.strip() else re.split(r"[,;]", text)
    seen: set[str] = set()
    for part in parts:
        for subject in map(bare, unfold(part)):
            if subject and subject not in seen:
                seen.add(subject)
                yield subject


def unfold(template: str) -> tuple[str, ...]:
    """Every way to read a template with alternatives in braces, at most 100."""
    pieces = ALTERNATIVES.split(template)
    choices = [[piece] if index % 2 == 0 else piece.split("|") for index, piece in enumerate(pieces)]
    ways = ("".join(way) for way, _ in zip(product(*choices), range(MOST_SUBJECTS), strict=False))
    return tuple(dict.fromkeys(" ".join(way.split()) for way in ways))


def chosen_subjects(listed: Sequence[str], typed: Sequence[str], source: SubjectsFrom) -> tuple[str, ...]:
    """The subjects of a payload, own ones first; the list where nothing was typed."""
    if source is SubjectsFrom.OWN and typed:
        return tuple(typed)
    if source is SubjectsFrom.BOTH:
        return tuple(dict.fromkeys([*typed, *listed]))
    return tuple(listed)


def spread(subjects: Sequence[str], count: int, *, seed: Seed, way: Way, start: int = 0) -> list[tuple[str, Seed]]:
    """`count` pairs of subject and seed, from the `start`-th on.

    Own seeds: s, s+1, s+2 …; one seed: always s, so a subject that comes round again gets the next one.
    """
    pairs = []
    for index in range(start, start + count):
        shift = index if way is Way.OWN_SEEDS else index // len(subjects)
        pairs.append((subjects[index % len(subjects)], Seed((seed + shift) % SEEDS)))
    return pairs


def outside(listed: Sequence[str], palette: Sequence[str], count: int) -> tuple[str, ...]:
    """`count` listed subjects that the palette does not hold; where there are too few, any."""
    held = {subject.lower() for subject in palette}
    free = [subject for subject in listed if subject.lower() not in held]
    return tuple((free + [subject for subject in listed if subject not in free])[:count])
