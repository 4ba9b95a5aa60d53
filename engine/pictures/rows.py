"""Draws rows (one row is one picture), step by step, so that a caller may give way between two steps.

The make-up of a batch is decided by the request alone: a resume redraws whole groups and gives out only what is
missing, bit for bit. Must not know jobs or storage.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass

import structlog
import torch
from PIL import Image

from engine.models.machine import Machine
from engine.models.precision import Part, widen
from engine.models.text.prompts import chunk_count
from engine.pictures.batch import AdaptersOf, Batch, Group, no_adapters
from storage.errors import ModelNotFinite
from storage.records import Drawing
from storage.requests import Row, SealUse

log = structlog.get_logger("rows")
GROUP_ROWS = 4  # a hunt is one group; bigger batches gain little and make others wait longer


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
