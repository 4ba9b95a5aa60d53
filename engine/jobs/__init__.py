"""Which function does which job kind. Job kinds do not know each other."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import torch

from engine.jobs import export, training, trying
from engine.jobs.drawing import draw_album
from engine.jobs.events import Event, Task
from engine.models.machine import Machine
from storage.errors import OutOfMemory
from storage.requests import Request
from storage.states import JobKind

Run = Callable[[Any, Machine, Task], Iterator[Event]]  # the first is the kind's own request; a test holds that

JOBS: dict[JobKind, Run] = {
    JobKind.HUNT: draw_album,
    JobKind.COMPARE: draw_album,
    JobKind.PAYLOAD: draw_album,
    JobKind.TRYING: trying.run,
    JobKind.TRAINING: training.run,
    JobKind.EXPORT: export.run,
}


def run(request: Request, machine: Machine, task: Task) -> Iterator[Event]:
    """The events of the request's job. Raises StylesealError for what a person can be told, OutOfMemory among it."""
    try:
        yield from JOBS[request.KIND](request, machine, task)
    except torch.OutOfMemoryError as error:
        raise OutOfMemory from error
