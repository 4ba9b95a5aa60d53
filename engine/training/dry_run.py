"""A forward and a backward before step one: does it fit, is it a number, how long will it take."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from engine.models.precision import Part, widen
from storage.errors import LossNotFinite, OutOfMemory

if TYPE_CHECKING:
    from engine.training.loop import Loop


@dataclass(frozen=True)
class DryRun:
    """What one micro-step took."""

    seconds: float
    rows_at_once: int
    checkpointing: bool


def attempt(loop: Loop) -> DryRun:
    """Learns from the first micro-step's chance and forgets it again; the weights stay as they are.

    Where it does not fit, the loop is made to recompute activations, then to take the batch in ever smaller pieces,
    which changes memory and time but not what is learnt. Raises OutOfMemory when not even one row fits, and
    LossNotFinite when the loss or a gradient is no number.
    """
    while True:
        try:
            return _once(loop)
        except LossNotFinite:
            if not widen(loop.machine, Part.UNET):  # the base itself may overflow half precision
                raise
        except torch.OutOfMemoryError as error:
            loop.forget()
            torch.cuda.empty_cache()
            if not loop.checkpointing:
                loop.recompute_activations()
            elif loop.rows_at_once > 1:
                loop.rows_at_once = (loop.rows_at_once + 1) // 2
            else:
                raise OutOfMemory from error


def _once(loop: Loop) -> DryRun:
    loop.learn_from(loop.chance(0))  # the first call also pays for choosing kernels
    began = time.perf_counter()
    loss = loop.learn_from(loop.chance(0))
    finite = bool(torch.isfinite(loss)) and bool(torch.isfinite(loop.clip()))
    loop.forget()
    if not finite:
        raise LossNotFinite(step=loop.step + 1)
    return DryRun(time.perf_counter() - began, loop.rows_at_once, loop.checkpointing)
