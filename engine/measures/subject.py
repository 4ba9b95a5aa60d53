"""Whether the subject is still there: the base model itself as a zero-shot classifier.

Li et al. 2023, "Your Diffusion Model is Secretly a Zero-Shot Classifier" (arXiv 2303.16203), algorithm 1: the caption
under which the model predicts the noise of a picture best names what is in it. No second network to download.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch
from PIL import Image

from engine.models.machine import Machine
from engine.models.noise_schedule import noise_schedule, squared_errors, target_of
from engine.models.text.encoder import encode
from engine.models.unet import predict, size_conditioning
from engine.pictures.latents import generator, posterior

TIMESTEPS = (0.35, 0.5, 0.65, 0.8)  # of T: below, pixels decide; above, nothing is left to see
NOISE_SEED = 11


def captions_of(subjects: Sequence[str]) -> list[str]:
    """The plainest caption of every subject."""
    return [f"a {subject}" for subject in subjects]


class SubjectMeasure:
    """Tells which of the subjects a picture shows."""

    def __init__(self, machine: Machine, subjects: Sequence[str]) -> None:
        self._machine = machine
        self._subjects = list(subjects)
        self._said = encode(machine, captions_of(subjects))
        self._sizes = size_conditioning(machine, machine.size_px, machine.size_px, len(subjects))
        self._schedule = noise_schedule(machine.noise_scheduler_config)

    @torch.no_grad()
    def errors(self, image: Image.Image) -> Iterator[torch.Tensor]:
        """For each timestep the error under every subject (K,); yields between, so that others may have the GPU."""
        machine = self._machine
        x0 = posterior(machine, image)[0] * float(machine.vae.config.scaling_factor)
        count = len(self._subjects)
        for number, share in enumerate(TIMESTEPS):
            noise = torch.randn(x0.shape, generator=generator(NOISE_SEED, number)).to(x0.device)
            t = torch.tensor([int(share * self._schedule.config.num_train_timesteps)], device=x0.device)
            noisy = self._schedule.add_noise(x0, noise, t).expand(count, *x0.shape[1:])
            target = target_of(self._schedule, x0, noise, t)
            with machine.bank.activate({}):
                prediction = predict(machine, noisy, t.expand(count), self._said, self._sizes)
            yield squared_errors(prediction, target.expand_as(prediction)).cpu()

    def rank_score(self, errors: Sequence[torch.Tensor], subject: str) -> float:
        """1 when the true subject explains the picture best, 0 when worst; every timestep weighs the same."""
        whole = torch.stack([(one - one.mean()) / (one.std() + 1e-9) for one in errors]).mean(dim=0)
        true = self._subjects.index(subject)
        better = int((whole < whole[true]).sum())
        return 1.0 - better / max(1, len(self._subjects) - 1)
