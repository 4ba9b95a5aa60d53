"""Telling, after looking up: every cell that the text encoder lays out also says in which look it is.

Reading lays out mean pictures, and looks made of the same figures have nearly the same one. A U-Net behind it could not
keep cartoon and pixel art apart, however long it was taught. So each look gets a direction of its own, among those that
reading hardly uses, and the text encoder learns to add it to its cells wherever a caption names the look.
"""

import numpy as np
import torch
from torch import nn

from engine.emoji_sd import teach, text
from engine.emoji_sd.runs import Run, Sitting
from engine.emoji_sd.together import Team

BATCH = 32  # captions of each half
RATE = 2e-3
STEPS = 600
AMOUNT = 0.35  # of a direction, in standard deviations of what the cells hold
QUIET = 48  # of text.WIDTH axes, those that vary least
WORDS_COUNT = 0.1  # error in the prompt's own tokens, beside 1 in the cells


def directions(cells: torch.Tensor, looks: int) -> torch.Tensor:
    """Orthogonal directions (looks, WIDTH) in which cells (n, WIDTH) hardly vary; root mean square AMOUNT · std."""
    centred = cells - cells.mean(0)
    _, axes = torch.linalg.eigh(centred.T @ centred)
    mixed, _ = torch.linalg.qr(torch.randn(QUIET, looks, generator=torch.Generator().manual_seed(0)))
    found: torch.Tensor = (axes[:, :QUIET] @ mixed).T * AMOUNT * cells.shape[1] ** 0.5 * cells.std()
    return found


def tell(lesson: teach.Lesson, read: nn.Module, run: Run, sitting: Sitting, device: torch.device, team: Team) -> None:
    """Train for a sitting. The run's "text_encoder" began as a copy of `read`, which stays as reading has left it."""
    encoder = run.modules["text_encoder"]
    named = {look.words: k for k, look in enumerate(lesson.vocabulary.looks)}

    @torch.no_grad()
    def said(captions: list[str]) -> torch.Tensor:
        found: torch.Tensor = read(text.ids(lesson.tokenizer, captions).to(device)).last_hidden_state
        return found

    _, some = teach.batch(lesson, 128, np.random.default_rng(16))
    cells = said(some)[:, text.SAID :].flatten(0, 1).cpu()
    nothing = torch.zeros(1, cells.shape[1])  # where no look is named
    added = torch.cat([directions(cells, len(named)), nothing]).to(device)

    def loss(step: int, half: int) -> torch.Tensor:
        _, captions = teach.batch(lesson, BATCH, np.random.default_rng((16, step, half)))
        look = [next((named[part] for part in caption.split(", ") if part in named), -1) for caption in captions]
        aim = said(captions)
        aim[:, text.SAID :] += added[look][:, None]
        error = (encoder(text.ids(lesson.tokenizer, captions).to(device)).last_hidden_state - aim).square()
        total: torch.Tensor = error[:, text.SAID :].mean() + WORDS_COUNT * error[:, : text.SAID].mean()
        return total

    run.learn(sitting, team, loss)
