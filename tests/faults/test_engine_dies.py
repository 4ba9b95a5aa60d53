"""kill -9 of the engine at the N-th commit, rename, …: the same pictures and the same seal come out, bit for bit.

Thinned to fit CI; `make soak` walks every N.
"""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tests.faults.engine_runs import SUBJECTS, Outcome, whole_run

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    found, deaths = asyncio.run(whole_run(tmp_path_factory.mktemp("undisturbed")))
    assert deaths == 0
    return found


def test_an_undisturbed_run_draws_every_picture_and_records_every_step(undisturbed: Outcome) -> None:
    assert [position for position, _ in undisturbed.candidates] == list(range(len(SUBJECTS)))
    assert undisturbed.loss_steps == tuple(range(1, 7))
    assert len(undisturbed.adapters) == 2
    assert undisturbed.states == ("done", "done")


@pytest.mark.parametrize(
    "failpoints",
    [
        ("commit:6", "rename:3"),  # in the payload, then again in what is left
        ("after-picture-file:2", "after-picture-row:2"),
        ("after-trained:1", "before-finish:1"),
        ("rename:12", "commit:30"),
        ("after-step:1", "after-step:3"),  # the first step; the last one before a checkpoint
        ("after-trained:1", "after-step:1"),  # at the checkpoint; one step after it
        ("after-step:6",),  # the last step of all
    ],
    ids=lambda points: "+".join(points),
)
async def test_the_same_pictures_and_seal_come_out_when_engines_die(
    tmp_path: Path, undisturbed: Outcome, failpoints: tuple[str, ...]
) -> None:
    found, deaths = await whole_run(tmp_path, failpoints)
    assert deaths > 0  # a failpoint that nobody meets would prove nothing
    assert found == undisturbed
