"""The real pictures: each pair of subject and look drawn several times on grounds by chance, kept as arrays on disk."""

from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
import numpy.typing as npt

from emoji_sd.recipe.data.figures import Figures
from emoji_sd.recipe.data.icons import SIZE
from emoji_sd.recipe.data.looks import MANNERS, UNSEEN, draw, is_shown
from emoji_sd.recipe.progress import counted
from emoji_sd.recipe.data.vocabulary import HELD_OUT, Vocabulary

VARIANTS = MANNERS[""]  # of every pair in no manner: other ground, place, size


@dataclass(frozen=True)
class Pictures:
    """Real pictures with what is on them.

    pixels: uint8 (n, SIZE, SIZE, 3); subject, look, ground, manner: indexes (n,); held: whether the pair is held out
    (n,). Those in no manner come first, VARIANTS of each pair.
    """

    pixels: npt.NDArray[np.uint8]
    subject: npt.NDArray[np.int64]
    look: npt.NDArray[np.int64]
    ground: npt.NDArray[np.int64]
    manner: npt.NDArray[np.int64]
    held: npt.NDArray[np.bool_]

    @property
    def looks_alone(self) -> "Pictures":
        """Those in no manner, which are what a look is judged by."""
        amount = int((self.manner == 0).sum())
        return Pictures(**{field.name: getattr(self, field.name)[:amount] for field in fields(self)})


def index(vocabulary: Vocabulary) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.bool_]]:
    """(subject, look, ground, manner, variant) of every picture, shape (n, 5), and which are of held-out pairs.

    The grounds of a pair follow from the pair alone, so that another pair moves none of them.
    """
    rows, held = [], []
    for m, (manner, amount) in enumerate(MANNERS.items()):
        for s, k in vocabulary.pairs():
            if not is_shown(vocabulary.looks[k], manner):
                continue
            chance = np.random.default_rng((0, s, k, *_manner_seed(m)))
            grounds = chance.choice(len(vocabulary.grounds), amount, replace=False)
            rows += [(s, k, g, m, variant) for variant, g in enumerate(grounds)]
            held += [vocabulary.is_held_out(s, k)] * amount
    return np.array(rows, np.int64), np.array(held)


def _manner_seed(manner: int) -> tuple[int, ...]:
    """What a manner adds to a seed: nothing where there is none, as pictures were before there were any."""
    return (manner,) if manner else ()


def _draw_rows(
    vocabulary: Vocabulary, figures: Path, part: Path, rows: npt.NDArray[np.int64], first: int, every: int
) -> None:
    """Draw the rows first, first + every, … into the array at `part`."""
    figure = Figures(figures)
    grounds = list(vocabulary.grounds)
    array = np.load(part, mmap_mode="r+")
    for i in counted(range(first, len(rows), every), f"pictures, part {first + 1} of {every}"):
        subject, look, ground, manner, variant = map(int, rows[i])
        kind = vocabulary.looks[look]
        chance = np.random.default_rng((1, subject, look, variant, *_manner_seed(manner)))
        array[i] = draw(figure(subject, kind.source), kind, grounds[ground], chance, manner=list(MANNERS)[manner])
    array.flush()


def render(vocabulary: Vocabulary, figures: Path, path: Path, processes: int = 2) -> None:
    """Draw every picture into `path` (.npy), through a temporary name."""
    rows, _ = index(vocabulary)
    part = path.with_suffix(".part.npy")
    np.lib.format.open_memmap(part, mode="w+", dtype=np.uint8, shape=(len(rows), SIZE, SIZE, 3)).flush()
    with ProcessPoolExecutor(processes) as pool:
        for work in [
            pool.submit(_draw_rows, vocabulary, figures, part, rows, first, processes) for first in range(processes)
        ]:
            work.result()
    part.rename(path)


def is_whole(vocabulary: Vocabulary, path: Path) -> bool:
    """Whether `path` holds as many pictures as the vocabulary and the manners ask for today."""
    return path.exists() and len(np.load(path, mmap_mode="r")) == len(index(vocabulary)[0])


def load(vocabulary: Vocabulary, path: Path) -> Pictures:
    """The pictures at `path`, memory-mapped."""
    rows, held = index(vocabulary)
    subject, look, ground, manner, _variant = rows.T
    return Pictures(np.load(path, mmap_mode="r"), subject, look, ground, manner, held)


def unseen(vocabulary: Vocabulary, figures: Path) -> Pictures:
    """Pictures in the look the model never sees, numbered after the vocabulary's looks; one subject in ten is held."""
    figure, grounds = Figures(figures), list(vocabulary.grounds)
    subjects = [s for s, subject in enumerate(vocabulary.subjects) if UNSEEN.source in subject.icons]
    rows = [(s, variant) for s in subjects for variant in range(VARIANTS)]
    pixels, ground = [], []
    for s, variant in rows:
        chance = np.random.default_rng((7, s, variant))
        ground.append(int(chance.integers(len(grounds))))
        pixels.append(draw(figure(s, UNSEEN.source), UNSEEN, grounds[ground[-1]], chance))
    subject = np.array([s for s, _ in rows])
    look = np.full(len(rows), len(vocabulary.looks))
    manner = np.zeros(len(rows), np.int64)
    return Pictures(np.stack(pixels), subject, look, np.array(ground), manner, subject % HELD_OUT == 0)
