"""Draws rows (one row is one picture), step by step, so that a caller may give way between two steps.

The make-up of a batch is decided by the request alone: a resume redraws whole groups and gives out only what is
missing, bit for bit. Must not know jobs or storage.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import structlog
import torch
from PIL import Image

from engine.models.adapters.bank import Weights
from engine.models.machine import Machine
from engine.models.precision import Part, widen
from engine.models.text.encoder import Embeddings, encode, encode_negative
from engine.models.text.prompts import chunk_count
from engine.models.unet import predict, size_conditioning
from engine.models.vae import decode
from engine.pictures.samplers import make_scheduler
from storage.errors import ModelNotFinite
from storage.records import Drawing
from storage.requests import Row, SealUse

log = structlog.get_logger("rows")
GROUP_ROWS = 4  # a hunt is one group; bigger batches gain little (performance.md B2) and make others wait longer

AdaptersOf = Callable[[Row], Weights]
"""What is active while a row is drawn. Asked anew for every step: others draw in between and may drop an adapter."""


def no_adapters(_row: Row) -> Weights:
    """The base model, whatever seals a row names."""
    return {}


@dataclass(frozen=True)
class Denoised:
    """One denoising step of one group is over: `done` of `total` row-steps of this call."""

    done: int
    total: int


@dataclass(frozen=True)
class Drawn:
    """A finished picture. `position` is the row's place in the request."""

    position: int
    row: Row
    image: Image.Image


@dataclass(frozen=True)
class Group:
    """Rows that share a batch: same drawing settings, same seals, same number of prompt chunks."""

    positions: tuple[int, ...]
    rows: tuple[Row, ...]
    chunks: int


def group_rows(machine: Machine, rows: Sequence[Row], adapters_of: AdaptersOf = no_adapters) -> tuple[Group, ...]:
    """Cuts rows into groups, in order of each group's first row."""
    alike: dict[tuple[Drawing, tuple[SealUse, ...], int], list[int]] = {}
    for position, row in enumerate(rows):
        with machine.bank.activate(adapters_of(row)):  # a trigger may have more tokens of its own than it had
            chunks = chunk_count(machine, row.prompt, row.negative)
        alike.setdefault((row.drawing, row.seals, chunks), []).append(position)
    groups = []
    for (_, _, chunks), positions in alike.items():
        for start in range(0, len(positions), GROUP_ROWS):
            members = tuple(positions[start : start + GROUP_ROWS])
            groups.append(Group(members, tuple(rows[position] for position in members), chunks))
    return tuple(sorted(groups, key=lambda group: group.positions))


def draw(
    machine: Machine,
    rows: Sequence[Row],
    adapters_of: AdaptersOf = no_adapters,
    *,
    skip: frozenset[int] = frozenset(),
) -> Iterator[Denoised | Drawn]:
    """Draws all rows but those at the positions in `skip`; yields after every denoising step and every picture.

    What is no number is drawn again in fp32. Raises ModelNotFinite at the end, where a row stays so; the others are
    drawn by then.
    """
    groups = [group for group in group_rows(machine, rows, adapters_of) if not skip.issuperset(group.positions)]
    total = sum(len(group.rows) * group.rows[0].drawing.steps for group in groups)
    done, lost = 0, []
    for group in groups:
        latents = yield from _fitting(machine, group, adapters_of, done, total)
        done += len(group.rows) * group.rows[0].drawing.steps
        for index, position in enumerate(group.positions):
            if position in skip:
                continue
            try:
                image = latents[index].picture()
            except ModelNotFinite as error:
                lost.append(error)
            else:
                yield Drawn(position, group.rows[index], image)
    if lost:
        raise lost[0]


@dataclass(frozen=True)
class Latents:
    """One row's place in a batch."""

    batch: Batch
    index: int

    def picture(self) -> Image.Image:
        """The row as a picture. Raises ModelNotFinite."""
        return self.batch.picture(self.index)


def _fitting(
    machine: Machine, group: Group, adapters_of: AdaptersOf, done: int, total: int
) -> Generator[Denoised, None, list[Latents]]:
    """Where the memory does not hold a group, its rows are drawn again one at a time. Raises torch.OutOfMemoryError."""
    try:
        return (yield from _denoised(machine, group, adapters_of, done, total))
    except torch.OutOfMemoryError:
        if len(group.rows) == 1:
            raise
    log.warning("out of memory", rows=len(group.rows))
    torch.cuda.empty_cache()
    found: list[Latents] = []
    for position, row in zip(group.positions, group.rows, strict=True):
        alone = Group((position,), (row,), group.chunks)
        found += yield from _denoised(machine, alone, adapters_of, done + len(found) * row.drawing.steps, total)
    return found


def _denoised(
    machine: Machine, group: Group, adapters_of: AdaptersOf, done: int, total: int
) -> Generator[Denoised, None, list[Latents]]:
    """Where each row's latents are: in the first batch, or in a second in fp32 for rows that are no numbers in it."""
    batch = again = Batch(machine, group, adapters_of)
    for timestep in batch.timesteps:
        batch.step(timestep)
        done += len(group.rows)
        yield Denoised(done, total)
    bad = batch.not_finite()
    if bad and widen(machine, Part.UNET):
        again = Batch(machine, group, adapters_of)
        for timestep in again.timesteps:
            again.step(timestep)
            yield Denoised(done, total)
    return [Latents(again if index in bad else batch, index) for index in range(len(group.rows))]


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
