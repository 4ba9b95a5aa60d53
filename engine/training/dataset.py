"""The palette in the model's own terms, computed once: every picture's posterior, every caption's embeddings."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass

import torch
from PIL import Image

from engine.models.machine import Machine
from engine.pictures.latents import open_at, posterior
from engine.pictures.prompt_weights import Embeddings, chunk_count, encode
from storage.records import ContentHash
from storage.requests import TrainingPicture


@dataclass(frozen=True)
class Dataset:
    """N pictures. `mean`, `std` (N, C, h, w): the VAE's posterior in fp32, unscaled; `captions` (N, T, D).

    `empty` is the empty caption's embedding, for caption dropout. `images` are the pictures at native size.
    """

    images: tuple[Image.Image, ...]
    mean: torch.Tensor
    std: torch.Tensor
    captions: Embeddings
    empty: Embeddings
    scaling_factor: float

    def __len__(self) -> int:
        return len(self.images)


def preparing(
    machine: Machine, pictures: Sequence[TrainingPicture], read: Callable[[ContentHash], bytes]
) -> Generator[None, None, Dataset]:
    """Encodes everything once, pausing after every picture; no VAE or text encoder is called by training after it."""
    images, latents = [], []
    for picture in pictures:
        images.append(open_at(read(picture.file), machine.size_px))
        latents.append(posterior(machine, images[-1]))
        yield
    captions = [picture.caption for picture in pictures]
    chunks = max(chunk_count(machine, caption, "") for caption in captions)
    return Dataset(
        images=tuple(images),
        mean=torch.cat([mean for mean, _ in latents]),
        std=torch.cat([std for _, std in latents]),
        captions=encode(machine, captions, chunks=chunks),
        empty=encode(machine, [""], chunks=chunks),
        scaling_factor=float(machine.vae.config.scaling_factor),
    )


def prepare(machine: Machine, pictures: Sequence[TrainingPicture], read: Callable[[ContentHash], bytes]) -> Dataset:
    """`preparing` without the pauses."""
    work = preparing(machine, pictures, read)
    while True:
        try:
            next(work)
        except StopIteration as end:
            dataset: Dataset = end.value
            return dataset
