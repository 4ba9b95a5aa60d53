"""The chat as a process: who may read its files, what its log says, and that it ends with whoever started it."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from bot.settings import REHEARSAL_TOKEN_FILE, Settings
from launch.parts import free_port, wait_for_page
from rehearsal.private import make_private, shared_token
from rehearsal.process import WithoutWords

ROOT = Path(__file__).resolve().parents[2]
PATIENCE_SECONDS = 30
WORDS = "a cat in love"


@contextmanager
def chat(data: Path) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """`python -m rehearsal` as `launch` starts it; yields it and the end of the pipe that keeps it."""
    leash, end = os.pipe()
    port = free_port()
    command = [sys.executable, "-m", "rehearsal", "--port", str(port), "--data", str(data)]
    environment = {**os.environ, "STYLESEAL_LEASH": str(leash)}
    process = subprocess.Popen(command, cwd=ROOT, env=environment, pass_fds=(leash,), umask=0o022, text=True)
    os.close(leash)
    try:
        assert wait_for_page(f"http://127.0.0.1:{port}/", PATIENCE_SECONDS)
        yield process, end
    finally:
        process.kill()
        process.wait()


@pytest.mark.slow
def test_it_ends_with_whoever_started_it_and_leaves_nothing_open_to_others(tmp_path: Path) -> None:
    data = tmp_path / "rehearsal"
    (data / "files").mkdir(parents=True)
    (data / "files" / "old").write_text("made before, with everybody's rights")
    (data / "files" / "old").chmod(0o644)
    with chat(data) as (process, end):
        os.close(end)
        assert process.wait(PATIENCE_SECONDS) in (0, -15)
    assert (data / "token").exists()
    assert [path for path in (data, *data.rglob("*")) if path.stat().st_mode & 0o077] == []


@pytest.mark.parametrize("first", ["bot", "chat"])
def test_chat_and_bot_share_one_token_whoever_comes_first(
    first: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TELEGRAM_API_URL", "http://127.0.0.1:9000")
    file = tmp_path / "data" / REHEARSAL_TOKEN_FILE
    of_the_bot = Settings().token if first == "bot" else None
    umask = os.umask(0o077)
    try:
        make_private(file.parent)
    finally:
        os.umask(umask)
    token = shared_token(file)
    assert token == (of_the_bot or Settings().token) == shared_token(file)
    assert token != shared_token(file.with_name("another"))


def test_a_log_line_says_where_and_what_kind_and_never_quotes() -> None:
    try:
        try:
            raise ValueError(WORDS)
        except ValueError as error:
            raise ExceptionGroup(WORDS, [KeyError(WORDS)]) from error
    except ExceptionGroup as error:
        raised = (type(error), error, error.__traceback__)
    record = logging.LogRecord("uvicorn.error", logging.ERROR, "server.py", 7, "failed for %s", (WORDS,), raised)
    line = WithoutWords().format(record)
    assert WORDS not in line
    kinds = [line.index(kind) for kind in ("ValueError", "KeyError", "ExceptionGroup")]
    assert "uvicorn.error server.py:7 failed for %s" in line
    assert kinds == sorted(kinds)
