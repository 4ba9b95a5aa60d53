"""What `make install` says and asks of pip, on every kind of machine."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from launch.install import CPU_BUILDS, install, torch_for_here


@pytest.mark.parametrize(
    ("has_card", "has_cpu_builds", "says", "source"),
    [
        (True, True, "about 3 GB", ()),
        (False, True, "about 0.2 GB", ("--index-url", CPU_BUILDS)),
        (False, False, "With CUDA that is about 3 GB", ()),
    ],
)
@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has builds with CUDA on PyPI")
def test_cuda_comes_only_to_a_card_or_is_said_beforehand(
    has_card: bool, has_cpu_builds: bool, says: str, source: tuple[str, ...]
) -> None:
    said, arguments = torch_for_here(has_card, has_cpu_builds)
    assert says in said
    assert tuple(arguments) == source


def test_what_pip_says_stays_in_the_log_unless_it_fails(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    log = tmp_path / "install.log"
    assert install("1 of 1  pip", ["--dry-run", "--no-deps", "pip"], log) == 0
    assert "Requirement already satisfied: pip" in log.read_text()
    assert "already satisfied" not in "".join(capsys.readouterr())
    assert install("1 of 1  nothing", ["--no-index", "--find-links", str(tmp_path), "no-such-package"], log) != 0
    shown = capsys.readouterr()
    assert "1 of 1  nothing: failed" in shown.out
    assert "no-such-package" in shown.err
    assert str(log) in shown.err
