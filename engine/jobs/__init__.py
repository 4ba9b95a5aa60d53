"""Which job kind is done by which module. Job kinds do not know each other."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from importlib import import_module
from typing import Any, cast

from engine.jobs.events import Event, Task
from engine.models.machine import Machine
from storage.states import JobKind

Run = Callable[[Any, Machine, Task], Iterator[Event]]


def run_of(kind: JobKind) -> Run:
    """The function that does this kind: engine/jobs/<kind>.py's `run(request, machine, task)`."""
    return cast(Run, import_module(f"{__name__}.{kind.value}").run)
