"""What a caption means to the U-Net while no text encoder learns: the cached embeddings, dropped where chance says."""

from __future__ import annotations

from typing import Protocol

import torch

from engine.models.text.encoder import Embeddings
from engine.training.dataset import Dataset

Groups = list[tuple[list[torch.nn.Parameter], float]]
"""Parameters with their learning rate."""


class TextSide(Protocol):
    """Answers captions with embeddings; may have weights that learn."""

    def parameters(self) -> Groups:
        """What of it learns, and how fast; always in the same order."""

    def condition(self, captions: torch.Tensor, dropped: torch.Tensor) -> Embeddings:
        """Embeddings of rows (B,) of the dataset's texts, the empty caption's where `dropped` (B,) says so."""


class CachedCaptions:
    """The text side of a training whose text encoder stays as it is."""

    def __init__(self, dataset: Dataset) -> None:
        self.dataset = dataset

    def parameters(self) -> Groups:
        """None of it learns."""
        return []

    def condition(self, captions: torch.Tensor, dropped: torch.Tensor) -> Embeddings:
        """See TextSide."""
        return chosen(self.dataset.captions, self.dataset.empty, captions, dropped)


def chosen(texts: Embeddings, empty: Embeddings, captions: torch.Tensor, dropped: torch.Tensor) -> Embeddings:
    """Rows of cached embeddings, with the empty one where dropped."""
    device = texts.hidden.device
    captions, dropped = captions.to(device, non_blocking=True), dropped.to(device, non_blocking=True)
    hidden = torch.where(dropped[:, None, None], empty.hidden, texts.hidden[captions])
    if texts.pooled is None or empty.pooled is None:
        return Embeddings(hidden)
    return Embeddings(hidden, torch.where(dropped[:, None], empty.pooled, texts.pooled[captions]))
