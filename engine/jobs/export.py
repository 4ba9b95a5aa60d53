"""Exported files: LoRA in two forms, learnt tokens, the dataset, the card."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import PurePath

from engine.exports.export import export_file
from engine.jobs.events import Event, Finished, Made, Stepped, Task
from engine.models.machine import Machine
from storage.records import ContentHash, Progress
from storage.requests import ExportAnswer, ExportRequest
from storage.states import Phase


def run(request: ExportRequest, machine: Machine, task: Task) -> Iterator[Event]:
    """One file, then where it is."""
    yield Stepped(progress=Progress(done=0, total=1, phase=Phase.WRITING))
    data, filename = export_file(request, machine, task.read)
    yield Made(data=data, suffix=PurePath(filename).suffix)
    file = ContentHash(hashlib.sha256(data).hexdigest())
    yield Finished(answer=ExportAnswer(file=file, filename=filename, size_bytes=len(data)))
