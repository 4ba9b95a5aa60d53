"""What the model is taught: subjects, looks, grounds, and the pairs held out of training; kept in vocabulary.json.

The file also says which manners there are and which looks are shown in them; in code that is looks.py's.
"""

import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path

from emoji_sd.recipe.data import icons
from emoji_sd.recipe.data.looks import GROUNDS, LOOKS, MANNERS, Look, is_shown

FILE = Path(__file__).parents[2] / "vocabulary.json"
HELD_OUT = 10  # one pair in ten


@dataclass(frozen=True)
class Subject:
    """A subject in prompt words, its category, and its icon's name in each set that has it."""

    words: str
    category: str
    icons: dict[str, str]


@dataclass(frozen=True)
class Vocabulary:
    """Everything the model can be asked for."""

    subjects: tuple[Subject, ...]
    looks: tuple[Look, ...]
    grounds: dict[str, tuple[int, int, int]]
    held_out: frozenset[tuple[str, str]]

    def pairs(self) -> list[tuple[int, int]]:
        """Every (subject index, look index) that has a real picture."""
        return [
            (s, k)
            for s, subject in enumerate(self.subjects)
            for k, look in enumerate(self.looks)
            if look.source in subject.icons
        ]

    def is_held_out(self, subject: int, look: int) -> bool:
        """Whether training never sees this pair."""
        return (self.subjects[subject].words, self.looks[look].words) in self.held_out


def gather(folder: Path) -> Vocabulary:
    """Make the vocabulary from the installed sets: subjects with five sets or more, a tenth of the pairs held out.

    Which pairs are held out follows from their words alone (sha256), so that adding a subject moves no other.
    """
    sets = [icons.read(folder, name) for name in icons.PACKAGES]
    found: list[Subject] = []
    for words, category in icons.subjects(folder):
        names = {s.name: icon for s in sets if (icon := s.find(words))}
        if len([name for name in names if name != icons.UNSEEN]) >= icons.FEWEST_SETS:
            found.append(Subject(words, category, names))
    held = {
        (subject.words, look.words)
        for subject in found
        for look in LOOKS
        if look.source in subject.icons
        and int(hashlib.sha256(f"{subject.words}|{look.words}".encode()).hexdigest(), 16) % HELD_OUT == 0
    }
    return Vocabulary(tuple(found), LOOKS, GROUNDS, frozenset(held))


def write(vocabulary: Vocabulary, path: Path = FILE) -> None:
    """Write vocabulary.json, one subject a line."""
    lines = [json.dumps(asdict(subject), ensure_ascii=False) for subject in vocabulary.subjects]
    looks = [json.dumps(asdict(look)) for look in vocabulary.looks]
    manners = {manner: [k.words for k in vocabulary.looks if is_shown(k, manner)] for manner in MANNERS if manner}
    grounds = json.dumps(vocabulary.grounds)
    held = [json.dumps(pair) for pair in sorted(vocabulary.held_out)]
    path.write_text(
        '{\n"prompt": "a SUBJECT, MANNER LOOK, GROUND background",\n"subjects": [\n'
        + ",\n".join(lines)
        + '\n],\n"looks": [\n'
        + ",\n".join(looks)
        + f'\n],\n"manners": {json.dumps(manners)},\n"grounds": {grounds},\n"held_out": [\n'
        + ",\n".join(held)
        + "\n]\n}\n"
    )


def load(path: Path = FILE) -> Vocabulary:
    """Read vocabulary.json."""
    data = json.loads(path.read_text())
    return Vocabulary(
        subjects=tuple(Subject(**subject) for subject in data["subjects"]),
        looks=tuple(Look(**look) for look in data["looks"]),
        grounds={name: (r, g, b) for name, (r, g, b) in data["grounds"].items()},
        held_out=frozenset((subject, look) for subject, look in data["held_out"]),
    )
