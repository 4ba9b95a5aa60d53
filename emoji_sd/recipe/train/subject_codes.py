"""Token embeddings to begin with: what a subject looks like, in as many numbers as an embedding has.

Nobody should have to learn by trial that a fox is orange: principal components of the figures say it in closed form.
"""

import numpy as np
import numpy.typing as npt
import torch
from transformers import CLIPTextModel, CLIPTokenizer

from emoji_sd.recipe.data import icons
from emoji_sd.recipe.data.figures import Figures
from emoji_sd.recipe.data.vocabulary import Vocabulary
from emoji_sd.recipe.train.text import WIDTH

CELL = 8  # pixels of a figure that become one
SPREAD = 0.06  # standard deviation of an embedding's numbers; CLIP begins with 0.02
EVEN = 0.5  # exponent of the singular values: 1 leaves small components unheard, 0 makes them all equally loud
RIDGE = 0.1

Array = npt.NDArray[np.float32]


def subject_codes(vocabulary: Vocabulary, figures: Figures) -> Array:
    """(subjects, WIDTH): principal components of small figures in every set, side by side, of standard deviation one.

    Where a set lacks the subject, or only held-out pairs would show it, the mean of the subject's other sets stands in.
    """
    seen = {(s, vocabulary.looks[k].source) for s, k in vocabulary.pairs() if not vocabulary.is_held_out(s, k)}
    sets = sorted({source for _, source in seen})
    known = np.array([[(s, source) in seen for source in sets] for s in range(len(vocabulary.subjects))])
    small = np.stack([
        [_small(figures(s, source)) if (s, source) in seen else _small(np.zeros((icons.SIZE,) * 2 + (4,), np.uint8))
         for source in sets]
        for s in range(len(vocabulary.subjects))
    ])  # fmt: skip
    weight = known[..., None].astype(np.float32)
    apart = (small - (small * weight).sum(0) / weight.sum(0).clip(1)) * weight
    mean = apart.sum(1, keepdims=True) / weight.sum(1, keepdims=True).clip(1)
    left, values, _ = np.linalg.svd(
        np.where(known[..., None], apart, mean).reshape(len(small), -1), full_matrices=False
    )
    codes = np.zeros((len(small), WIDTH), np.float32)
    found = left[:, :WIDTH] * values[:WIDTH] ** EVEN
    codes[:, : found.shape[1]] = found
    codes /= codes.std()
    return codes


def _small(figure: npt.NDArray[np.uint8]) -> Array:
    """RGBA (SIZE, SIZE, 4) to premultiplied means of cells, flat, in 0 … 1."""
    share = figure.astype(np.float32) / 255
    share[..., :3] *= share[..., 3:]
    side = icons.SIZE // CELL
    cells: Array = share.reshape(side, CELL, side, CELL, 4).mean((1, 3), dtype=np.float32)
    return cells.ravel()


@torch.no_grad()
def initialize(codes: Array, encoder: CLIPTextModel, tokenizer: CLIPTokenizer, vocabulary: Vocabulary) -> None:
    """Set the embeddings of the subjects' words so that a subject's words add up to its code (ridge regression)."""
    tokens = [tokenizer(subject.words).input_ids[1:-1] for subject in vocabulary.subjects]
    words = sorted({token for one in tokens for token in one})
    column = {token: i for i, token in enumerate(words)}
    counts = np.zeros((len(tokens), len(words)))
    for row, one in enumerate(tokens):
        for token in one:
            counts[row, column[token]] += 1
    solved = np.linalg.solve(counts.T @ counts + RIDGE * np.eye(len(words)), counts.T @ codes)
    encoder.get_input_embeddings().weight[words] = torch.from_numpy(solved * SPREAD).float()
