"""What `make install` does in .venv: the libraries, PyTorch as this machine needs it, Styleseal itself.

Runs before anything is installed, so it knows the standard library alone.
"""

from __future__ import annotations

import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Sequence
from pathlib import Path
from shutil import which
from subprocess import PIPE, STDOUT

LIBRARIES, TORCH = "locks/development.txt", "locks/torch.txt"
CPU_BUILDS = "https://download.pytorch.org/whl/cpu"
LOG = Path(sys.prefix) / "install.log"
PATIENCE_SECONDS = 10
LAST_LINES, WIDTH = 15, 60  # of the log, of a line
PIP = (sys.executable, "-m", "pip", "--disable-pip-version-check", "--no-input", "install", "--progress-bar", "off")


def has_card() -> bool:
    """Whether there is an NVIDIA card and its driver."""
    tool = which("nvidia-smi")
    return tool is not None and subprocess.run([tool, "-L"], capture_output=True, check=False).returncode == 0  # noqa: S603 - the driver's own


def answers(url: str) -> bool:
    """Whether the page is there."""
    try:
        with urllib.request.urlopen(url, timeout=PATIENCE_SECONDS):  # noqa: S310 - https, a constant
            return True
    except (urllib.error.URLError, OSError):
        return False


def torch_for_here(has_card: bool, has_cpu_builds: bool) -> tuple[str, Sequence[str]]:
    """What is said of PyTorch beforehand, and pip's arguments. Its builds for Linux bring CUDA unless asked not to."""
    if sys.platform != "linux":
        return "PyTorch is about 0.1 GB.", ()
    if has_card:
        return "PyTorch for the NVIDIA card is about 3 GB, and 5 GB on the disk.", ()
    if has_cpu_builds:
        return "PyTorch without CUDA is about 0.2 GB.", ("--index-url", CPU_BUILDS)
    return (
        "There is no NVIDIA card, but PyTorch's builds without CUDA cannot be reached:\n"
        f"  {CPU_BUILDS}\n"
        "pip takes what its own index has. With CUDA that is about 3 GB, and 5 GB on the disk; Ctrl-C ends this.",
        (),
    )


def main() -> int:
    """Installs all of it and says so; returns the exit code."""
    card = has_card()
    said, source = torch_for_here(card, card or answers(f"{CPU_BUILDS}/torch/"))
    print(f"Installing into {Path(sys.prefix).name}, once: a few minutes. What is there already stays.", said, sep="\n")
    LOG.unlink(missing_ok=True)
    steps = (
        ("1 of 3  libraries, 0.3 GB, each checked by its hash", ("--require-hashes", "--no-deps", "-r", LIBRARIES)),
        ("2 of 3  PyTorch", ("--constraint", TORCH, *source, "torch")),
        ("3 of 3  Styleseal", ("--no-deps", "--no-build-isolation", "--editable", ".")),
    )
    return next((code for title, arguments in steps if (code := install(title, arguments))), 0)


def install(title: str, arguments: Sequence[str], log_file: Path = LOG) -> int:
    """Runs pip; returns its exit code. What it says goes into the log, and its end to the screen when it fails."""
    began = time.monotonic()
    print(f"  {title}", end="", flush=True)
    with log_file.open("a") as log, subprocess.Popen([*PIP, *arguments], stdout=PIPE, stderr=STDOUT, text=True) as pip:  # noqa: S603 - our own arguments
        for line in pip.stdout or ():
            log.write(line)
            if sys.stdout.isatty() and line.lstrip().startswith(("Downloading", "Installing")):
                print(f"\r\x1b[K  {title}: {line.strip()[:WIDTH]}", end="", flush=True)
    done = f"{time.monotonic() - began:.0f} s" if pip.returncode == 0 else "failed"
    print(f"\r\x1b[K  {title}: {done}" if sys.stdout.isatty() else f": {done}", flush=True)
    if pip.returncode:
        print(*log_file.read_text().splitlines()[-LAST_LINES:], f"All of it: {log_file}", sep="\n", file=sys.stderr)
    return pip.returncode


if __name__ == "__main__":
    sys.exit(main())
