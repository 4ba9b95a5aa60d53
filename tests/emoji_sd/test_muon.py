"""Muon: directions with even singular values, in one process and in two."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest
import torch
from torch import nn

from emoji_sd.recipe.train import muon
from emoji_sd.recipe.train.distributed import ProcessGroup
from emoji_sd.recipe.train.runs import Constant, Optimization, Run, Session
from emoji_sd.recipe.train.sessions import distributed


@pytest.mark.parametrize("shape", [(24, 24), (24, 90), (90, 24)])
def test_singular_values_come_out_even_and_their_vectors_stay(shape):
    chance = torch.Generator().manual_seed(3)
    u, _, v = torch.linalg.svd(torch.randn(shape, generator=chance), full_matrices=False)
    values = torch.logspace(0, -1.5, 24)
    found = u.T @ muon.orthogonalized((u * values) @ v) @ v.T
    assert found.diagonal().min() > 0.6
    assert found.diagonal().max() < 1.25
    assert (found - torch.diag(found.diagonal())).abs().max() < 1e-3


def test_an_update_is_as_large_as_one_of_adamw():
    update = muon.scaled(torch.randn(24, 90, generator=torch.Generator().manual_seed(1)))
    assert update.square().mean().sqrt() == pytest.approx(muon.SIZE, rel=0.25)


def learnt(folder: Path, until: int, group: ProcessGroup) -> Run:
    """Two layers that learn a map, the first one by Muon; taken up where the folder has one."""
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(6, 12), nn.Linear(12, 6), nn.Linear(6, 6))
    run = Run(folder, {"model": model}, Optimization(0.02, Constant(3), muon=("model/0", "model/1")))
    run.silent = group.rank > 0
    run.resume()
    target = torch.linspace(-1, 1, 36).view(6, 6)
    for step in run.steps(Session(until)):
        x = torch.randn(8, 6, generator=torch.Generator().manual_seed(step))
        value = (model(x) - x @ target).square().mean()
        torch.autograd.backward(value)
        run.update(group)
        run.losses.append(float(value.detach()))
    return run


def test_it_learns_and_a_run_taken_up_is_the_run_that_never_stopped(tmp_path):
    whole = learnt(tmp_path / "whole", 40, ProcessGroup())
    learnt(tmp_path / "parts", 15, ProcessGroup())
    parts = learnt(tmp_path / "parts", 40, ProcessGroup())
    assert parts.losses == whole.losses
    assert sum(whole.losses[-5:]) < 0.4 * sum(whole.losses[:5])


def learn_in_company(folder: Path, group: ProcessGroup) -> None:
    """Learn in one of two processes; each leaves its losses."""
    run = learnt(folder, 10, group)
    (folder / f"losses {group.rank}").write_text(repr(run.losses))


def test_two_processes_that_share_the_work_learn_what_one_does(tmp_path):
    distributed(partial(learn_in_company, tmp_path))
    alone = learnt(tmp_path / "alone", 10, ProcessGroup()).losses
    told = [(tmp_path / f"losses {rank}").read_text() for rank in (0, 1)]
    assert told[0] == told[1]
    assert [float(value) for value in told[0].strip("[]").split(", ")] == pytest.approx(alone, rel=0.02)
