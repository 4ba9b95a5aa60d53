"""Text-encoder alignment, after cross-attention: every cell also says in which look and manner it is.

Pre-training lays out mean pictures, and looks made of the same figures have nearly the same one. A U-Net
behind it could not keep cartoon and pixel art apart, however long it was trained. So each look gets a direction of its
own, among those that pre-training hardly uses, and the text encoder learns to add it to its cells wherever a caption
names the look. So has each of the two things that manners are made of, lines and size.
"""

import numpy as np
import torch
from torch import nn

from emoji_sd.recipe.data.looks import MANNERS, OUTLINED, SMALL, in_manner
from emoji_sd.recipe.data.vocabulary import Vocabulary
from emoji_sd.recipe.train import denoising, text
from emoji_sd.recipe.train.distributed import ProcessGroup
from emoji_sd.recipe.train.runs import Run, Session

BATCH = 32  # captions of each half
RATE = 2e-3
STEPS = 600
AMOUNT = 0.35  # of a direction, in standard deviations of what the cells hold
QUIET = 48  # of text.WIDTH axes, those that vary least
WORDS_COUNT = 0.1  # error in the prompt's own tokens, beside 1 in the cells


def directions(cells: torch.Tensor, amount: int) -> torch.Tensor:
    """Orthogonal directions (amount, WIDTH) in which cells (n, WIDTH) hardly vary; root mean square AMOUNT · std."""
    centred = cells - cells.mean(0)
    _, axes = torch.linalg.eigh(centred.T @ centred)
    mixed, _ = torch.linalg.qr(torch.randn(QUIET, amount, generator=torch.Generator().manual_seed(0)))
    found: torch.Tensor = (axes[:, :QUIET] @ mixed).T * AMOUNT * cells.shape[1] ** 0.5 * cells.std()
    return found


def meanings(vocabulary: Vocabulary) -> dict[str, list[int]]:
    """What a part of a caption may say of look and manner, and the numbers of the directions that it adds.

    Looks have the first numbers, in the vocabulary's order; then come being outlined and being small.
    """
    numbers = {look.words: k for k, look in enumerate(vocabulary.looks)}
    manners = {OUTLINED: len(numbers), SMALL: len(numbers) + 1}
    return {
        in_manner(manner, look): [*(manners[word] for word in manner.split()), *([numbers[look]] if look else [])]
        for manner in MANNERS
        for look in ("", *numbers)
    }


def train(
    dataset: denoising.Dataset,
    pretrained: nn.Module,
    run: Run,
    session: Session,
    device: torch.device,
    group: ProcessGroup,
) -> None:
    """Train for a session. The run's "text_encoder" began as a copy of `pretrained`, which stays as it is."""
    encoder = run.modules["text_encoder"]
    meant = meanings(dataset.vocabulary)

    @torch.no_grad()
    def said(captions: list[str]) -> torch.Tensor:
        found: torch.Tensor = pretrained(text.ids(dataset.tokenizer, captions).to(device)).last_hidden_state
        return found

    _, some = denoising.batch(dataset, 128, np.random.default_rng(16))
    cells = said(some)[:, text.SAID :].flatten(0, 1).cpu()
    added = directions(cells, 1 + max(number for numbers in meant.values() for number in numbers)).to(device)

    def loss(step: int, half: int) -> torch.Tensor:
        _, captions = denoising.batch(dataset, session.batch_size or BATCH, np.random.default_rng((16, step, half)))
        aim = said(captions)
        for row, caption in enumerate(captions):
            for part in caption.split(", "):
                aim[row, text.SAID :] += added[meant.get(part, [])].sum(0)
        error = (encoder(text.ids(dataset.tokenizer, captions).to(device)).last_hidden_state - aim).square()
        total: torch.Tensor = error[:, text.SAID :].mean() + WORDS_COUNT * error[:, : text.SAID].mean()
        return total

    run.train(session, group, loss)
