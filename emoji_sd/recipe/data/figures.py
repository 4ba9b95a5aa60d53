"""Figures: every subject's icon of every set, rendered once and kept as one array on disk."""

from pathlib import Path

import numpy as np
import numpy.typing as npt

from emoji_sd.recipe.data import icons
from emoji_sd.recipe.progress import counted
from emoji_sd.recipe.data.vocabulary import Vocabulary


class Figures:
    """Rendered figures by subject index and set name; memory-mapped uint8 RGBA (subjects, sets, SIZE, SIZE, 4)."""

    def __init__(self, path: Path) -> None:
        self._array: npt.NDArray[np.uint8] = np.load(path, mmap_mode="r")
        self._sets = {name: i for i, name in enumerate(icons.PACKAGES)}

    def __call__(self, subject: int, source: str) -> npt.NDArray[np.uint8]:
        """The figure of a subject in a set; fully transparent where the set lacks it."""
        figure: npt.NDArray[np.uint8] = self._array[subject, self._sets[source]]
        return figure


def render(vocabulary: Vocabulary, packages: Path, path: Path) -> None:
    """Render everything into `path` (.npy), through a temporary name so that half a file is never taken for a whole."""
    part = path.with_suffix(".part.npy")
    shape = (len(vocabulary.subjects), len(icons.PACKAGES), icons.SIZE, icons.SIZE, 4)
    array = np.lib.format.open_memmap(part, mode="w+", dtype=np.uint8, shape=shape)
    for s, name in enumerate(icons.PACKAGES):
        source = icons.read(packages, name)
        for i, subject in counted(list(enumerate(vocabulary.subjects)), f"figures of {name}"):
            if name in subject.icons:
                array[i, s] = source.render(subject.icons[name])
    array.flush()
    part.rename(path)
