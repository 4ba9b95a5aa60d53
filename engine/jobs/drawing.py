"""What every job that draws rows shares: steps, pictures with their measures, an honest time left, and an early end."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from typing import TypeVar

from engine.jobs.events import Drew, Event, Finished, Stepped, Task
from engine.measures.style_features import phash, style_features
from engine.models.machine import Machine
from engine.pictures.png_parameters import SealFile, parameters, png_bytes
from engine.pictures.rows import Denoised, Drawn, draw
from storage.errors import ModelNotFinite
from storage.records import ContentHash, Progress
from storage.requests import CompareRequest, DrawnAnswer, HuntRequest, PayloadRequest, Row
from storage.states import Phase, Wish

Item = TypeVar("Item")
AlbumRequest = HuntRequest | CompareRequest | PayloadRequest


class Stopwatch:
    """Counts the seconds that are spent computing, not those spent giving way to others."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def timed(self, items: Iterator[Item]) -> Iterator[Item]:
        """The same items; only the time inside the source is counted."""
        while True:
            started = time.perf_counter()
            try:
                item = next(items)
            except StopIteration:
                return
            finally:
                self.seconds += time.perf_counter() - started
            yield item


def draw_album(request: AlbumRequest, machine: Machine, task: Task) -> Iterator[Event]:
    """Draws the request's rows; yields after every denoising step and every picture."""
    yield from draw_rows(request.rows, machine, task)


def draw_rows(
    rows: Sequence[Row], machine: Machine, task: Task, files: Mapping[ContentHash, SealFile] | None = None
) -> Iterator[Event]:
    """Draws what is not drawn yet and finishes; a wish to stop finishes with what is there.

    `files` names the seals in the pictures. Raises ModelNotFinite where no row came out as numbers; `lost` of the
    answer counts them where some did.
    """
    watch = Stopwatch()
    drawn = len(task.drawn)
    seconds_left: float | None = None
    steps = draw(machine, rows, lambda row: machine.bank.attach_seals(row.seals, task.read), skip=task.drawn)
    lost = 0
    try:
        for moment in watch.timed(steps):
            if isinstance(moment, Denoised):
                seconds_left = watch.seconds / moment.done * (moment.total - moment.done)
                yield Stepped(progress=_progress(drawn, rows, seconds_left))
            else:
                drawn += 1
                yield _drew(moment, machine, _progress(drawn, rows, seconds_left), files)
            if task.wish is Wish.STOP:
                break
    except ModelNotFinite:  # said at the end, when all that can be drawn are there
        if drawn == 0:
            raise
        lost = len(rows) - drawn
    yield Finished(answer=DrawnAnswer(drawn=drawn, seconds=round(watch.seconds, 3), lost=lost))


def _progress(drawn: int, rows: Sequence[Row], seconds_left: float | None) -> Progress:
    rounded = None if seconds_left is None else round(seconds_left, 1)
    return Progress(done=drawn, total=len(rows), seconds_left=rounded, phase=Phase.DRAWING)


def _drew(picture: Drawn, machine: Machine, progress: Progress, files: Mapping[ContentHash, SealFile] | None) -> Drew:
    text = parameters(picture.row, model=machine.pinned_name, model_sha256=machine.weights_sha256, files=files)
    return Drew(
        position=picture.position,
        row=picture.row,
        png=png_bytes(picture.image, text),
        progress=progress,
        features=style_features(machine, picture.image),
        phash=phash(picture.image),
    )
