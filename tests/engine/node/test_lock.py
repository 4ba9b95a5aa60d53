"""Two engines started by accident: the second says who holds the GPU, and ends."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import structlog
from typer.testing import CliRunner

from engine.__main__ import BUSY, NO_MODEL, REFUSED, app
from engine.node.lock import LOCK_FILE, hold_engine_lock
from storage.errors import EngineBusy


@pytest.fixture(autouse=True)
def _logs_as_before() -> Iterator[None]:
    """The command sets up logging for a whole process; the streams it is given here are closed after the test."""
    before = list(logging.getLogger().handlers)
    yield
    logging.getLogger().handlers[:] = before
    structlog.reset_defaults()


SINCE = datetime(2026, 11, 21, 5, 0, tzinfo=UTC)


def test_a_second_engine_is_refused_and_told_who_holds_the_gpu(tmp_path: Path) -> None:
    with hold_engine_lock(tmp_path, SINCE), pytest.raises(EngineBusy) as refused, hold_engine_lock(tmp_path, SINCE):
        pass
    assert refused.value.facts == {"pid": os.getpid(), "since": "2026-11-21T05:00:00+00:00"}


def test_the_lock_is_free_again_when_its_holder_is_gone(tmp_path: Path) -> None:
    for _ in range(2):
        with hold_engine_lock(tmp_path, SINCE):
            assert str(os.getpid()) in (tmp_path / LOCK_FILE).read_text()


def test_the_command_ends_with_a_sentence_and_its_own_exit_code(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STYLESEAL_DATA", str(tmp_path))
    with hold_engine_lock(tmp_path, SINCE):
        result = CliRunner().invoke(app, [])
    assert result.exit_code == BUSY
    assert f"process {os.getpid()}" in result.stderr
    assert "Traceback" not in result.output


def test_a_pickled_model_ends_the_command_with_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STYLESEAL_DATA", str(tmp_path))
    monkeypatch.setenv("STYLESEAL_MODEL", str(tmp_path / "model.ckpt"))
    result = CliRunner().invoke(app, ["run"])
    assert result.exit_code == NO_MODEL
    assert "only .safetensors are loaded" in result.stderr


def test_a_wrong_setting_ends_the_command_with_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STYLESEAL_DATA", str(tmp_path))
    monkeypatch.setenv("STYLESEAL_MEMORY", "lots")
    result = CliRunner().invoke(app, ["run"])
    assert result.exit_code == REFUSED
    assert "STYLESEAL_MEMORY" in result.stderr
    assert "Traceback" not in result.output
