"""`make run` as an operator meets it: cut off, started twice, refused, stopped."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from launch.__main__ import close_dotenv
from launch.parts import free_port, page_answers, port_is_free
from launch.processes import ROOT
from tests.launch.test_processes import until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]
RUN = f"{sys.executable} -m launch"


class Terminal:
    """A shell, which stands for make, and in it the product."""

    def __init__(self, folder: Path, **environment: str) -> None:
        self.data, self.port = folder / "data", free_port()
        self.address = f"http://127.0.0.1:{self.port}/"
        clean = {name: value for name, value in os.environ.items() if not name.startswith(("TELEGRAM_", "STYLESEAL_"))}
        mine = {"STYLESEAL_DATA": str(self.data), "STYLESEAL_PORT": str(self.port), "STYLESEAL_DEVICE": "cpu"}
        self.environment = {**clean, **mine, **environment}

    def runs(self) -> subprocess.Popen[str]:
        pipe = subprocess.PIPE
        command = ["sh", "-c", f"{RUN}; exit $?"]
        return subprocess.Popen(command, cwd=ROOT, env=self.environment, stderr=pipe, text=True, umask=0o022)

    def family(self, shell: subprocess.Popen[str], size: int) -> list[psutil.Process]:
        """The launcher and its parts, when all are there."""
        until(lambda: len(psutil.Process(shell.pid).children(recursive=True)) >= size, 60)
        return psutil.Process(shell.pid).children(recursive=True)


@pytest.fixture
def terminal(tmp_path: Path) -> Terminal:
    return Terminal(tmp_path)


def ended(shell: subprocess.Popen[str], seconds: float = 60) -> str:
    """What it said until its end."""
    return shell.communicate(timeout=seconds)[1]


def test_a_run_that_is_killed_leaves_nothing_behind_and_the_next_one_works(terminal: Terminal) -> None:
    for kill_the_launcher in (False, True):  # first whoever started it (make), then itself
        shell = terminal.runs()
        until(lambda: page_answers(terminal.address), 60)
        family = terminal.family(shell, 4)
        launcher = next(one for one in family if "launch" in one.cmdline())
        os.kill(launcher.pid if kill_the_launcher else shell.pid, signal.SIGKILL)
        assert psutil.wait_procs(family, timeout=60)[1] == []
        until(lambda: port_is_free(terminal.port))
        ended(shell)
    shell = terminal.runs()
    until(lambda: page_answers(terminal.address), 60)
    second = ended(terminal.runs())
    assert "already runs" in second
    launcher = psutil.Process(shell.pid).children()[0]
    launcher.send_signal(signal.SIGINT)
    assert "Stopping" in ended(shell)
    assert shell.returncode == 0


def test_everything_it_makes_is_for_its_owner_alone(terminal: Terminal) -> None:
    terminal.data.mkdir(mode=0o755)
    (terminal.data / "files").mkdir(mode=0o755)
    old = terminal.data / "files" / "of-an-earlier-version"
    old.write_text("x")
    old.chmod(0o644)
    shell = terminal.runs()
    until(lambda: page_answers(terminal.address), 60)
    until(lambda: (terminal.data / "styleseal.sqlite-wal").exists(), 60)
    until((terminal.data / "rehearsal" / "world.json").exists, 60)
    psutil.Process(shell.pid).children()[0].send_signal(signal.SIGTERM)
    ended(shell)
    open_to_others = [
        path
        for path in (terminal.data, *terminal.data.rglob("*"))
        if not path.is_symlink() and path.stat().st_mode & 0o077
    ]
    assert open_to_others == []


def test_a_port_that_a_stranger_holds_is_said_with_the_strangers_name(terminal: Terminal) -> None:
    with socket.socket() as stranger:
        stranger.bind(("127.0.0.1", terminal.port))
        stranger.listen()
        shell = terminal.runs()
        said = ended(shell)
    assert shell.returncode == 2
    assert f"Port {terminal.port} of this machine is taken by process {os.getpid()}" in said


def test_an_engine_that_refuses_ends_the_run_with_the_reason(tmp_path: Path) -> None:
    terminal = Terminal(tmp_path, STYLESEAL_MODEL=str(tmp_path / "model.ckpt"))
    shell = terminal.runs()
    said = ended(shell)
    assert shell.returncode == 2
    assert "only .safetensors are loaded" in said
    assert said.count("only .safetensors are loaded") == 1
    assert "Mend that, then start again" in said.splitlines()[-1]
    assert "Traceback" not in said


def test_a_dotenv_that_a_shell_wrote_becomes_its_owners_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".env").write_text("TELEGRAM_BOT_TOKEN=1:x\n")
    (tmp_path / ".env").chmod(0o644)
    close_dotenv()
    assert (tmp_path / ".env").stat().st_mode & 0o777 == 0o600
    assert "yours alone" in capsys.readouterr().err
    close_dotenv()
    assert capsys.readouterr().err == ""
