"""Pictures drawn with a seal."""

from __future__ import annotations

from collections.abc import Iterator

from engine.events import Event, Task
from engine.jobs.drawing import draw_rows
from engine.models.machine import Machine
from storage.requests import TryRequest


def run(request: TryRequest, machine: Machine, task: Task) -> Iterator[Event]:
    """Draws the request's rows; yields after every denoising step and every picture."""
    yield from draw_rows(request.rows, machine, task)
