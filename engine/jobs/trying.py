"""Pictures drawn with a seal, which they name by the file that a person takes home."""

from __future__ import annotations

from collections.abc import Iterator

from engine.exports.export import seal_file
from engine.jobs.drawing import draw_rows
from engine.jobs.events import Event, Task
from engine.models.machine import Machine
from engine.pictures.png_parameters import SealFile
from storage.records import ContentHash
from storage.requests import ExportRequest, TryRequest, write_request

KEPT = 32
_known: dict[str, SealFile] = {}  # a sweep, and the next trial, are of the same seal


def run(request: TryRequest, machine: Machine, task: Task) -> Iterator[Event]:
    """Draws the request's rows; yields after every denoising step and every picture."""
    used = {seal.adapter for row in request.rows for seal in row.seals}
    files: dict[ContentHash, SealFile] = {}
    for lora in request.loras:
        if lora.adapter is not None and lora.adapter in used:
            files[lora.adapter] = _file(lora, machine, task)
    yield from draw_rows(request.rows, machine, task, files)


def _file(lora: ExportRequest, machine: Machine, task: Task) -> SealFile:
    key = machine.weights_sha256 + write_request(lora)
    if key not in _known:
        while len(_known) >= KEPT:
            _known.pop(next(iter(_known)))
        _known[key] = seal_file(lora, machine, task.read)
    return _known[key]
