"""Real processes: what hangs is replaced, what refuses stays away, and nobody outlives whoever started them."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from launch.earlier import AlreadyRuns, end_left_over, hold, left_over, note_parts, who_listens
from launch.parts import free_port
from launch.processes import ROOT, Part, Processes
from launch.pulse import Patience

PATIENCE_SECONDS = 30.0
LOOK_SECONDS = 0.05
QUICK = Patience(idle=1.0, busy=30.0, loading=4.0, between_questions=0.3, question=5.0, grace=0.5)
IS_FRESH = "import os, sys, time; sys.exit(time.time() - os.stat(sys.argv[1]).st_mtime > 0.6)"
BEATS = (
    "import pathlib, sys, threading\n"
    "while True:\n    pathlib.Path(sys.argv[1]).touch()\n    threading.Event().wait(0.05)"
)
IDLES = "import signal; signal.alarm(600); signal.pause()"  # does nothing, and does not stay for ever
LEASHED = "from storage.leash import follow_launcher\nfollow_launcher()\n"


def until(look: Callable[[], object], seconds: float = PATIENCE_SECONDS) -> None:
    """Looks until it is so."""
    deadline = time.monotonic() + seconds
    while not look():
        assert time.monotonic() < deadline, "it did not come to that"
        threading.Event().wait(LOOK_SECONDS)  # `make run` looks so too: a process that hangs gives no sign


def part(name: str, code: str, beat: Path | None = None) -> Part:
    """A small process that does this; alive while it touches its file."""
    alive = (sys.executable, "-c", IS_FRESH, str(beat)) if beat else ()
    return Part(name, (sys.executable, "-c", code, str(beat)), alive=alive)


class Watch:
    """Somebody who looks after processes, as `make run` does."""

    def __init__(self, *parts: Part) -> None:
        self.processes = Processes(list(parts), patience=QUICK)
        self.processes.start()

    def pid(self, name: str) -> int:
        process = self.processes.parts[name].process
        return process.pid if process else 0

    def until(self, look: Callable[[], object]) -> None:
        until(lambda: (self.processes.look_after(), look())[1])


@pytest.fixture
def watching() -> Iterator[Callable[..., Watch]]:
    made: list[Watch] = []

    def watch(*parts: Part) -> Watch:
        made.append(Watch(*parts))
        return made[-1]

    yield watch
    for one in made:
        one.processes.stop()


def test_a_stopped_process_is_replaced(
    tmp_path: Path, watching: Callable[..., Watch], capfd: pytest.CaptureFixture[str]
) -> None:
    beat = tmp_path / "beat"
    watch = watching(part("engine", BEATS, beat))
    watch.until(beat.exists)
    first = watch.pid("engine")
    os.kill(first, signal.SIGSTOP)
    watch.until(lambda: watch.pid("engine") not in (0, first))
    assert not psutil.pid_exists(first)
    assert "engine has not answered for" in capfd.readouterr().err


def test_a_process_that_waits_for_itself_for_ever_is_replaced_though_it_ignores_a_polite_request(
    tmp_path: Path, watching: Callable[..., Watch]
) -> None:
    beat = tmp_path / "beat"
    locked = textwrap.dedent(
        """
        import pathlib, signal, sys, threading
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        for _ in range(20):
            pathlib.Path(sys.argv[1]).touch(); threading.Event().wait(0.05)
        lock = threading.Lock(); lock.acquire(); lock.acquire()
        """
    )
    watch = watching(part("bot", locked, beat))
    first = watch.pid("bot")
    watch.until(lambda: watch.pid("bot") not in (0, first))


def test_a_process_at_work_is_not_replaced_for_its_silence(tmp_path: Path, watching: Callable[..., Watch]) -> None:
    """One long step: no sign of life, but the processor is busy."""
    beat = tmp_path / "beat"
    busy = "import pathlib, sys\npathlib.Path(sys.argv[1]).touch()\nwhile True: pass"
    watch = watching(part("engine", busy, beat))
    first, began = watch.pid("engine"), time.monotonic()
    watch.until(lambda: time.monotonic() - began > 4 * QUICK.idle)
    assert watch.pid("engine") == first


@pytest.mark.parametrize("code", [2, 3, 4])
def test_a_part_that_refuses_is_not_started_again_and_the_screen_says_so(
    code: int, tmp_path: Path, watching: Callable[..., Watch], capfd: pytest.CaptureFixture[str]
) -> None:
    lives = tmp_path / "lives"
    says_no = (
        f"import sys; open({str(lives)!r}, 'a').write('x'); print('no such model', file=sys.stderr); sys.exit({code})"
    )
    watch = watching(part("engine", says_no), part("bot", IDLES))
    watch.until(lambda: watch.processes.look_after() == ["engine"])
    began = time.monotonic()
    watch.until(lambda: time.monotonic() - began > 1.5)
    assert lives.read_text() == "x"
    said = capfd.readouterr().err
    assert "no such model" in said
    assert "not started again" in said
    assert "it is started again" not in said


def test_a_part_that_dies_otherwise_is_started_again(tmp_path: Path, watching: Callable[..., Watch]) -> None:
    watch = watching(part("bot", IDLES))
    first = watch.pid("bot")
    watch.processes.kill("bot")
    watch.until(lambda: watch.pid("bot") not in (0, first))


def test_a_second_interrupt_ends_at_once(watching: Callable[..., Watch], tmp_path: Path) -> None:
    beat = tmp_path / "beat"
    stubborn = "import signal, sys, time\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\n" + BEATS
    watch = watching(part("engine", stubborn, beat))
    until(beat.exists)
    watch.processes.hurried, began = True, time.monotonic()
    watch.processes.stop()
    assert time.monotonic() - began < 5


STARTER = """
import signal, sys
from pathlib import Path
from launch.processes import Part, Processes
codes = sys.argv[2:]
parts = [Part(str(n), (sys.executable, "-c", code)) for n, code in enumerate(codes)]
Processes(parts, record=Path(sys.argv[1])).start()
print("up", flush=True)
signal.alarm(600)
signal.pause()
"""


def started(record: Path, *codes: str) -> tuple[subprocess.Popen[str], list[psutil.Process]]:
    """A launcher of its own over these parts, and the parts."""
    starter = subprocess.Popen(
        [sys.executable, "-c", STARTER, str(record), *codes], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    assert starter.stdout
    assert starter.stdout.readline() == "up\n"
    children = psutil.Process(starter.pid).children()
    assert len(children) == len(codes)
    return starter, children


def killed(starter: subprocess.Popen[str]) -> None:
    starter.kill()
    starter.wait()
    assert starter.stdout
    starter.stdout.close()


def test_children_end_when_whoever_started_them_is_killed(tmp_path: Path) -> None:
    record, marks = tmp_path / "launch.json", [tmp_path / str(n) for n in range(2)]
    ready = [f"{LEASHED}open({str(mark)!r}, 'w'); {IDLES}" for mark in marks]
    starter, children = started(record, *ready)
    until(lambda: all(mark.exists() for mark in marks))
    killed(starter)
    assert psutil.wait_procs(children, timeout=PATIENCE_SECONDS)[1] == []


def test_what_an_earlier_start_left_stopped_is_ended_by_the_next_one(tmp_path: Path) -> None:
    record = tmp_path / "launch.json"
    starter, children = started(record, IDLES, IDLES)
    os.kill(children[0].pid, signal.SIGSTOP)
    killed(starter)
    assert len(left_over(record)) == 2
    assert end_left_over(record, by_itself=0.2, asked=0.5) == 2
    assert psutil.wait_procs(children, timeout=5)[1] == []
    assert end_left_over(record) == 0


def test_a_stranger_who_got_the_number_of_an_earlier_part_is_left_alone(tmp_path: Path) -> None:
    stranger = subprocess.Popen([sys.executable, "-c", IDLES])
    try:
        note_parts(tmp_path / "launch.json", [(stranger.pid, (sys.executable, "-m", "engine")), (2**22 + 1, ("x",))])
        assert end_left_over(tmp_path / "launch.json", by_itself=0.1, asked=0.1) == 0
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()


@pytest.mark.parametrize("written", ["", "{", "{}", "7", '[["x", 1]]', "[3]"])
def test_a_record_that_was_cut_short_is_as_none(tmp_path: Path, written: str) -> None:
    (tmp_path / "launch.json").write_text(written)
    assert end_left_over(tmp_path / "launch.json") == 0


def test_one_data_folder_has_one_launcher(tmp_path: Path) -> None:
    with hold(tmp_path / "data"), pytest.raises(AlreadyRuns, match=str(os.getpid())), hold(tmp_path / "data"):
        pass
    assert (tmp_path / "data").stat().st_mode & 0o777 == 0o700
    with hold(tmp_path / "data"):
        pass


def test_who_holds_a_port_is_said_by_number_and_name() -> None:
    with socket.socket() as stranger:
        stranger.bind(("127.0.0.1", 0))
        stranger.listen()
        port = stranger.getsockname()[1]
        assert who_listens(port).startswith(f"process {os.getpid()}, ")
    assert who_listens(free_port()) == ""
