"""Log lines say what happened and where, never whose words; secrets are masked wherever they stand."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

from storage.errors import FileDamaged
from storage.logs import FACTS, MASK, described, mask, trace_of

ROOT = Path(__file__).resolve().parents[2]
TOKEN = "7654321:AAE-odd_token_Of_tests-35chars_xxxx"
EVENT = r"log\.(debug|info|warning|error|exception|critical)"
WORDS = "a secret castle of Anna's"


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


def written(code: str, level: str = "DEBUG") -> str:
    """What a process writes that sets up its logs and does this."""
    begin = "from storage.logs import set_up_logs\nimport sys, logging, structlog\nwords, token = sys.argv[1:]\n"
    begin += f"set_up_logs({level!r}, token)\nlog = structlog.get_logger('bot')\n"
    done = subprocess.run(
        [sys.executable, "-c", begin + code, WORDS, TOKEN], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert "castle" not in done.stderr + done.stdout
    assert TOKEN not in done.stderr + done.stdout
    return done.stderr + done.stdout


@pytest.mark.parametrize(
    "library", ["aiosqlite", "httpx", "httpcore.http11", "telegram.ext.Application", "PIL.PngImagePlugin",
                "matplotlib.font_manager", "asyncio", "uvicorn.error", "diffusers.pipelines", "some.new.library"]
)  # fmt: skip
def test_what_a_library_was_given_is_in_no_line_at_any_level(library: str) -> None:
    said = written(
        f"library = logging.getLogger({library!r})\n"
        "for level in (10, 20, 30, 40):\n"
        "    library.log(level, 'executing %s %s', words, token)\n"
        "    library.log(level, f'truncated: {words}')\n"
        "try:\n    int(words)\nexcept ValueError:\n    library.exception('failed on %s', words)\n"
    )
    assert library in said, "that something is wrong is said"
    assert "failed on %s" in said
    assert "ValueError" in said
    assert said.count("executing") == 2, "only warnings and worse"


def test_an_exception_of_any_make_is_told_by_its_kind_and_lines() -> None:
    said = written(
        "import json, asyncio\nfrom pydantic import TypeAdapter\n"
        "def fails():\n    local = words\n    TypeAdapter(int).validate_python(words)\n"
        "try:\n"
        "    try: fails()\n"
        "    except ValueError as error:\n"
        "        raise ExceptionGroup(words, [KeyError(words), RuntimeError(words)]) from error\n"
        "except Exception: log.exception('update not handled', update=7, short_id='ab12')\n"
    )
    for seen in ("ValidationError", "KeyError", "RuntimeError", "ExceptionGroup", "update not handled", "ab12"):
        assert seen in said


@pytest.mark.parametrize(
    "code",
    [
        "raise RuntimeError(words + token)",
        "import threading; t = threading.Thread(target=lambda: int(words)); t.start(); t.join()",
        "import asyncio\nasync def fails(): raise KeyError(words)\n"
        "async def main():\n    task = asyncio.create_task(fails())\n"
        "    await asyncio.wait([task]); del task\n"
        "    import gc; gc.collect()\nasyncio.run(main())",
        "class Odd:\n    def __del__(self): raise OSError(words)\nodd = Odd(); del odd",
    ],
    ids=["process", "thread", "task", "finalizer"],
)
def test_a_crash_of_anything_tells_no_words(code: str) -> None:
    assert "Error" in written(code)


def test_an_event_of_ours_says_only_facts_that_are_named() -> None:
    said = written("log.info('claimed', job=7, prompt=words, chat=700112233, error=words, slot='status:3')")
    assert '"job": 7' in said
    assert "status:3" in said
    assert "700112233" not in said


def test_what_cannot_quote_anybody_may_say_what_is_wrong() -> None:
    full = OSError(28, "anything", "/somebody/castle.png")
    assert described(full) == "builtins.OSError: [Errno 28] No space left on device"
    assert described(FileDamaged(file="x")).endswith(f"FileDamaged: {FileDamaged()}")
    assert described(ValueError(WORDS)) == "builtins.ValueError"
    assert "castle" not in trace_of(ValueError(WORDS))


def events() -> list[tuple[str, ast.Call]]:
    """Every call of a structlog logger in the sources."""
    sources = [path for folder in ("bot", "engine", "storage") for path in (ROOT / folder).rglob("*.py")]
    return [
        (f"{path.relative_to(ROOT)}:{node.lineno}", node)
        for path in sources
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and re.fullmatch(EVENT, ast.unparse(node.func))
    ]


def test_every_event_is_a_fixed_sentence_with_named_facts() -> None:
    assert len(events()) > 20
    free = [where for where, call in events() if not (call.args and isinstance(call.args[0], ast.Constant))]
    unnamed = {
        (where, one.arg) for where, call in events() for one in call.keywords if one.arg not in FACTS | {"exc_info"}
    }
    assert (free, unnamed) == ([], set())
