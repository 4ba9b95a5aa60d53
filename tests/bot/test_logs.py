"""Secrets in log lines: masked wherever they stand."""

from __future__ import annotations

import logging
import subprocess
import sys
from io import StringIO
from pathlib import Path

import pytest

from bot.logs import MASK, Masking, mask

ROOT = Path(__file__).resolve().parents[2]
TOKEN = "7654321:AAE-odd_token_Of_tests-35chars_xxxx"


@pytest.mark.parametrize(
    "text",
    [
        f"POST https://api.telegram.org/bot{TOKEN}/getMe",
        f"https://api.telegram.org/file/bot{TOKEN}/photos/1.jpg",
        f"The token `{TOKEN}` was rejected",
        "Authorization: Bearer hf_abcdefghijklmnop",
    ],
)
def test_whatever_looks_like_a_secret_is_masked(text: str) -> None:
    found = mask(text)
    assert MASK in found
    assert TOKEN not in found
    assert "hf_abcdefghijklmnop" not in found


def test_a_token_of_an_unusual_shape_is_masked_because_it_is_ours() -> None:
    assert "odd" not in mask("a odd b", token="odd")


def test_a_token_in_arguments_and_tracebacks_is_masked() -> None:
    stream = StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(Masking(logging.Formatter("%(message)s"), TOKEN))
    logger = logging.Logger("test")
    logger.addHandler(handler)
    try:
        raise ValueError(TOKEN)
    except ValueError:
        logger.exception("while asking %s", f"/bot{TOKEN}/getMe")
    assert "while asking" in stream.getvalue()
    assert "ValueError" in stream.getvalue()
    assert TOKEN not in stream.getvalue()


def test_a_crash_writes_its_traceback_without_the_token() -> None:
    code = (
        "import sys; from bot.logs import set_up_logs; token = sys.argv[1]; set_up_logs('DEBUG', token)\n"
        "raise RuntimeError(f'cannot reach /bot{token}/getMe')"
    )
    done = subprocess.run([sys.executable, "-c", code, TOKEN], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert "RuntimeError" in done.stderr
    assert TOKEN not in done.stderr + done.stdout
