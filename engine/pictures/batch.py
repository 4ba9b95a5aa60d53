"""Rows that are drawn together: their latents, step by step, under the adapters that are theirs."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from PIL import Image

from engine.models.adapters.bank import Weights
from engine.models.machine import Machine
from engine.models.text.encoder import Embeddings, encode, encode_negative
from engine.models.unet import predict, size_conditioning
from engine.models.vae import decode
from engine.pictures.samplers import make_scheduler
from storage.requests import Row

AdaptersOf = Callable[[Row], Weights]
"""What is active while a row is drawn. Asked anew for every step: others draw in between and may drop an adapter."""


def no_adapters(_row: Row) -> Weights:
    """The base model, whatever seals a row names."""
    return {}


@dataclass(frozen=True)
class Group:
    """Rows that share a batch: same drawing settings, same seals, same number of prompt chunks."""

    positions: tuple[int, ...]
    rows: tuple[Row, ...]
    chunks: int


class Batch:
    """A group on its way: latents (N, C, h, w) in fp32, one scheduler, one generator a row."""

    def __init__(self, machine: Machine, group: Group, adapters_of: AdaptersOf = no_adapters) -> None:
        self.machine, self.rows, self.adapters_of = machine, group.rows, adapters_of
        self.drawing = group.rows[0].drawing
        self.scheduler = make_scheduler(
            self.drawing.sampler, machine.noise_scheduler_config, self.drawing.steps, machine.device
        )
        self.timesteps: Sequence[Any] = self.scheduler.timesteps
        self.generators = [torch.Generator("cpu").manual_seed(int(row.seed)) for row in group.rows]
        self.latents = self._noise() * self.scheduler.init_noise_sigma
        takes_generator = "generator" in inspect.signature(self.scheduler.step).parameters
        self.extra = {"generator": self.generators} if takes_generator else {}
        with machine.bank.activate(adapters_of(group.rows[0])):
            self.said = self._said(group.chunks)
        height_px, width_px = self.drawing.height_px, self.drawing.width_px
        self.sizes = size_conditioning(machine, height_px, width_px, len(self.said))

    def _noise(self) -> torch.Tensor:
        scale = self.machine.latent_scale
        height, width = self.drawing.height_px // scale, self.drawing.width_px // scale
        shape = (1, int(self.machine.unet.config.in_channels), height, width)
        noise = [torch.randn(shape, generator=generator) for generator in self.generators]
        return torch.cat(noise).to(self.machine.device)

    @property
    def is_guided(self) -> bool:
        return self.drawing.guidance_scale > 1

    def _said(self, chunks: int) -> Embeddings:
        """What the U-Net is told of every row, and before it of every negative where guidance asks for both."""
        positive = encode(self.machine, [row.prompt for row in self.rows], chunks=chunks)
        if not self.is_guided:
            return positive
        negative = encode_negative(self.machine, [row.negative for row in self.rows], chunks=chunks)
        return Embeddings.joined([negative, positive])

    @torch.no_grad()
    def step(self, timestep: Any) -> None:
        """One denoising step for all rows; classifier-free guidance is one forward of 2N."""
        doubled = torch.cat([self.latents, self.latents]) if self.is_guided else self.latents
        model_input = self.scheduler.scale_model_input(doubled, timestep)
        with self.machine.bank.activate(self.adapters_of(self.rows[0])):
            prediction = predict(self.machine, model_input, timestep, self.said, self.sizes).float()
        if self.is_guided:
            without, with_prompt = prediction.chunk(2)
            prediction = without + self.drawing.guidance_scale * (with_prompt - without)
        self.latents = self.scheduler.step(prediction, timestep, self.latents, **self.extra, return_dict=False)[0]

    def not_finite(self) -> frozenset[int]:
        """The rows that are no numbers any more. Looked at once, at the end: a look waits for the GPU."""
        finite = torch.isfinite(self.latents).flatten(1).all(dim=1).tolist()
        return frozenset(index for index, is_number in enumerate(finite) if not is_number)

    @torch.no_grad()
    def picture(self, index: int) -> Image.Image:
        """Decodes one row alone, so that its pixels do not depend on its neighbours. Raises ModelNotFinite."""
        pixels = decode(self.machine, self.latents[index : index + 1])[0]
        array = (pixels / 2 + 0.5).clamp(0, 1).permute(1, 2, 0).mul(255).round().to(torch.uint8)
        return Image.fromarray(array.cpu().numpy())
