"""Every job kind has its function, which takes that kind's request."""

from __future__ import annotations

from dataclasses import replace
from typing import get_args, get_type_hints

import pytest
import torch

from engine.jobs import JOBS, run
from engine.jobs.events import Task
from storage.errors import OutOfMemory
from storage.records import Drawing, Seed
from storage.requests import REQUESTS, HuntRequest, Row
from storage.states import JobKind
from tests.engine.tiny_models import tiny_machine


@pytest.mark.parametrize("kind", JobKind)
def test_every_kind_has_a_function_that_takes_its_request(kind: JobKind) -> None:
    taken = get_type_hints(JOBS[kind])["request"]
    assert REQUESTS[kind] in (get_args(taken) or (taken,))


def test_where_not_even_one_row_fits_the_job_ends_with_an_error_that_people_are_told() -> None:
    small = replace(tiny_machine("sd1"), unet=Full(tiny_machine("sd1").unet))
    row = Row(prompt="a fox", negative="", seed=Seed(0), subject="a fox", drawing=Drawing(width_px=64, height_px=64))
    with pytest.raises(OutOfMemory):
        list(run(HuntRequest(rows=(row,)), small, Task(job_id=1, read=lambda _file: b"")))


class Full(torch.nn.Module):
    """A U-Net on a card without room for one row."""

    def __init__(self, unet: torch.nn.Module) -> None:
        super().__init__()
        self.config = unet.config

    def forward(self, *_args: object, **_more: object) -> None:
        raise torch.OutOfMemoryError
