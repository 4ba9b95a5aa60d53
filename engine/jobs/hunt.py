"""4–8 probes of one prompt with random seeds."""

from __future__ import annotations

from collections.abc import Iterator

from engine.jobs.drawing import draw_rows
from engine.jobs.events import Event, Task
from engine.models.machine import Machine
from storage.requests import HuntRequest


def run(request: HuntRequest, machine: Machine, task: Task) -> Iterator[Event]:
    """Draws the request's rows; yields after every denoising step and every picture."""
    yield from draw_rows(request.rows, machine, task)
