"""A stranger's file is read in a child that can be stopped by nothing it holds, and that can do nothing else."""

from __future__ import annotations

import os
import socket
import time
from pathlib import Path

import pytest

from storage.errors import FileRefused
from storage.limited_child import Limits, guards, read_in_child

HOSTILE = "tests.storage.hostile"
QUICK = Limits(cpu_seconds=1, wall_seconds=1.5)


def refusal(name: str, *arguments: str | int, limits: Limits = QUICK) -> str:
    with pytest.raises(FileRefused) as refused:
        read_in_child(f"{HOSTILE}:{name}", *arguments, limits=limits)
    return str(refused.value.facts["reason"])


def test_what_a_function_finds_comes_back_as_it_is() -> None:
    assert read_in_child(f"{HOSTILE}:echo", "여우", 2) == ["여우", "여우"]
    assert read_in_child(f"{HOSTILE}:raw", 300_000) == b"\0" * 300_000


def test_a_child_answers_before_anybody_notices() -> None:
    took = []
    for _ in range(3):
        started = time.perf_counter()
        read_in_child(f"{HOSTILE}:echo", "x", 1)
        took.append(time.perf_counter() - started)
    assert min(took) < 0.3 * max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1))


def test_what_the_function_refuses_is_one_line() -> None:
    assert refusal("refuses") == "two lines of a reason"


def test_a_memory_bomb_is_refused_at_its_limit() -> None:
    assert refusal("eats_memory", limits=Limits(memory_bytes=100 << 20)) == "it takes too much memory to read"


def test_what_computes_for_ever_is_stopped() -> None:
    started = time.monotonic()
    assert refusal("computes_for_ever", limits=Limits(cpu_seconds=1, wall_seconds=60)) == "it takes too long to read"
    assert time.monotonic() - started < 30


def test_what_waits_for_ever_is_stopped() -> None:
    assert refusal("waits_for_ever", limits=Limits(wall_seconds=0.5)) == "it takes too long to read"


def test_what_an_answer_leaves_running_is_ended_too() -> None:
    assert refusal("leaves_a_child", 600, limits=Limits(wall_seconds=0.5)) == "it takes too long to read"


def test_endless_output_goes_nowhere() -> None:
    assert refusal("talks_for_ever") == "it takes too long to read"


@pytest.mark.parametrize("size", [1001, 50_000_000])
def test_an_answer_beyond_its_budget_is_refused(size: int) -> None:
    assert refusal("raw", size, limits=Limits(result_bytes=1000)) == "what it holds is too much"
    assert read_in_child(f"{HOSTILE}:raw", 1000, limits=Limits(result_bytes=1000)) == b"\0" * 1000


def test_a_crash_of_a_parser_is_a_refusal() -> None:
    assert refusal("crashes") == "reading it crashed"
    assert refusal("nests", 0) == "it cannot be read (RecursionError)"
    assert refusal("no_such_function") == "it cannot be read (AttributeError)"


def test_a_child_changes_nothing_on_the_disk(tmp_path: Path) -> None:
    (tmp_path / "there").write_bytes(b"ours")
    worked = read_in_child(f"{HOSTILE}:writes", str(tmp_path))
    assert (tmp_path / "there").exists() is ("drop" not in worked)
    assert "fill" not in worked  # no kernel lets a byte through
    if guards().writing:
        assert worked == []
        assert (tmp_path / "there").read_bytes() == b"ours"
        assert [path.name for path in tmp_path.iterdir()] == ["there"]


def test_a_child_talks_to_nobody_where_the_doctor_says_so() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, socket.socket(type=socket.SOCK_DGRAM) as post:
        post.bind(("127.0.0.1", 0))
        post.setblocking(False)
        worked = read_in_child(f"{HOSTILE}:calls", server.getsockname()[1], post.getsockname()[1])
        if guards().network:
            assert "tcp" not in worked
            with pytest.raises(BlockingIOError):
                post.recv(100)


def test_a_child_sees_no_secret_and_no_folder_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TELEGRAM_BOT_TOKEN", "123:secret")
    found = read_in_child(f"{HOSTILE}:surroundings")
    assert "secret" not in str(found["environment"])
    assert found["folder"] == "/"
    assert found["stdin"] == ""
