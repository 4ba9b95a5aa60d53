"""PLACEHOLDER by engine core, to be overwritten whole by the training helper. Keep the name and shape of `worn`."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext

from engine.models.machine import Machine
from storage.records import ContentHash
from storage.requests import SealUse


def worn(
    machine: Machine, seals: tuple[SealUse, ...], read: Callable[[ContentHash], bytes]
) -> AbstractContextManager[None]:
    """Exactly these seals are on while the context is open; without any, the bare model."""
    if seals:
        raise NotImplementedError(machine.name, seals, read)
    return nullcontext()
