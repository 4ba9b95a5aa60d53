"""The loss on a fixed grid of pictures × timesteps with fixed noise: what tells two steps, and two recipes, apart.

Always the plain mean squared error, so that recipes with different losses can be compared.
"""

from __future__ import annotations

from collections.abc import Generator

import torch

from engine.models.noise_schedule import squared_errors, target_of
from engine.models.unet import predict
from engine.pictures.latents import generator
from engine.training.batches import Trainee

PICTURES = 6
TIMESTEPS = (0.1, 0.3, 0.5, 0.7, 0.9)  # of T
SEED = 7
TIMES_A_RUN = 12


def measuring(loop: Trainee) -> Generator[None, None, float]:
    """The grid's mean loss; pauses after every timestep."""
    total = 0.0
    for number, share in enumerate(TIMESTEPS):
        total += _at(loop, number, share)
        yield
    return total / len(TIMESTEPS)


def is_due(step: int, steps: int) -> bool:
    """About TIMES_A_RUN times, and after the last step."""
    return step % max(1, steps // TIMES_A_RUN) == 0 or step == steps


@torch.no_grad()
def _at(loop: Trainee, number: int, share: float) -> float:
    dataset, errors, left = loop.dataset, [], PICTURES
    for bucket in dataset.buckets:
        members = torch.tensor(bucket.pictures[:left], dtype=torch.long)
        if not len(members):
            break
        left -= len(members)
        rows = torch.arange(len(members)) * dataset.views
        x0 = bucket.mean[rows] * dataset.scaling_factor
        noise = torch.randn(x0.shape, generator=generator(SEED, number)).to(x0.device)
        t = torch.full((len(members),), int(share * loop.timesteps), device=x0.device)
        with loop.active():
            said = loop.text.condition(members * dataset.variants, torch.zeros(len(members), dtype=torch.bool))
            noisy = loop.schedule.add_noise(x0, noise, t)
            prediction = predict(loop.machine, noisy, t, said, bucket.time_ids[rows])
        errors.append(squared_errors(prediction, target_of(loop.schedule, x0, noise, t)))
    return float(torch.cat(errors).mean())
