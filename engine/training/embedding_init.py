"""Where the seal's own word begins: among known words, those under which the bare model errs least on the palette."""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence

import torch
from torch.nn.functional import avg_pool2d, pad

from engine.models.machine import Machine
from engine.models.noise_schedule import noise_schedule, squared_errors, target_of
from engine.models.text.encoder import Embeddings, encode
from engine.models.text.prompts import chunk_count
from engine.models.unet import predict
from engine.pictures.latents import generator
from engine.training.bucket import Bucket

# Shares of T between which a look is drawn: nearer to pure noise an error tells subject and ground apart, not looks.
FINEST, COARSEST = 0.1, 0.6
AT_ONCE = 8  # rows between two pauses
MANY = 4  # words that are looked at on every second picture only while they are more than so many


def nearest(
    machine: Machine, buckets: Sequence[Bucket], initializers: Mapping[str, Sequence[str]], seed: int
) -> Generator[None, None, str]:
    """The key of `initializers` whose captions, one a picture, foretell the palette best; pauses every few rows.

    The diffusion loss as a classifier (Li et al. 2023, arXiv 2303.16203), all words on the same noise, by successive
    halving (Karnin et al. 2013): the worse half is left out before the others are looked at again. It is the loss where
    something is drawn, as a ground tells little of strokes and has most of the cells.
    """
    texts = [caption for captions in initializers.values() for caption in captions]
    chunks = chunk_count(machine, *texts)
    said = {words: encode(machine, captions, chunks=chunks) for words, captions in initializers.items()}
    errors = dict.fromkeys(initializers, 0.0)
    turn = 0
    while len(errors) > 1:
        every = 2 if len(errors) > MANY else 1
        for words in errors:
            errors[words] += yield from _error(machine, buckets, said[words], seed, turn, every)
        better = sorted(errors, key=errors.__getitem__)[: (len(errors) + 1) // 2]
        errors, turn = {words: errors[words] for words in better}, turn + 1
    return next(iter(errors))


def _error(
    machine: Machine, buckets: Sequence[Bucket], said: Embeddings, seed: int, turn: int, every: int
) -> Generator[None, None, float]:
    """Summed loss of the bare model on every so many pictures' first view, each at a timestep of its own."""
    schedule = noise_schedule(machine.noise_scheduler_config)
    chance = generator(seed, turn)
    count = len(said)
    shares = FINEST + (COARSEST - FINEST) * (torch.randperm(count, generator=chance) + 0.5) / count
    timesteps = (shares * int(schedule.config.num_train_timesteps)).long().to(machine.device)
    total = 0.0
    for bucket in buckets:
        views = len(bucket.mean) // len(bucket.pictures)
        x0 = bucket.mean[::views] * float(machine.vae.config.scaling_factor)
        noise = torch.randn(x0.shape, generator=chance).to(x0.device)
        shown = torch.arange(turn % every, len(x0), every)
        for rows in torch.split(shown, AT_ONCE):
            pictures = [bucket.pictures[row] for row in rows.tolist()]
            t = timesteps[pictures]
            with torch.no_grad():
                noisy = schedule.add_noise(x0[rows], noise[rows], t)
                prediction = predict(machine, noisy, t, said[pictures], bucket.time_ids[rows * views])
                target = target_of(schedule, x0[rows], noise[rows], t)
                total += float(error_where_drawn(prediction, target, x0[rows]))
            yield
    return total


def error_where_drawn(prediction: torch.Tensor, target: torch.Tensor, x0: torch.Tensor) -> torch.Tensor:
    """Squared error of a batch (N, C, h, w), summed; a cell counts by how far the picture leaves its ground there."""
    return squared_errors(prediction, target, _detail(x0)).sum()


def _detail(x0: torch.Tensor) -> torch.Tensor:
    """How far each cell of latents (N, C, h, w) is from the mean of those around it; squared, (N, 1, h, w)."""
    around = avg_pool2d(pad(x0, (1, 1, 1, 1), mode="replicate"), 3, 1)
    return (x0 - around).pow(2).mean(dim=1, keepdim=True)
