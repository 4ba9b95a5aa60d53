"""Files to take home: LoRA in two forms, a word's embeddings, the dataset, the card."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import PurePath

from engine.exports.take_home import take_home
from engine.jobs.events import Event, Finished, Made, Stepped, Task
from engine.models.machine import Machine
from storage.records import ContentHash, Progress
from storage.requests import TakeAnswer, TakeRequest
from storage.states import Phase


def run(request: TakeRequest, machine: Machine, task: Task) -> Iterator[Event]:
    """One file, then where it is."""
    yield Stepped(progress=Progress(done=0, total=1, phase=Phase.WRITING))
    data, filename = take_home(request, machine, task.read)
    yield Made(data=data, suffix=PurePath(filename).suffix)
    file = ContentHash(hashlib.sha256(data).hexdigest())
    yield Finished(answer=TakeAnswer(file=file, filename=filename, size_bytes=len(data)))
