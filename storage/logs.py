"""Log lines of every process: what happened and where, never whose words. One set-up, one mask, every level.

People's words travel through libraries that log what they are given, and into exceptions that quote it. So of a library
only warnings are heard, without what was filled in; of an exception its kind and its lines of code; of our own events
only facts that are named here.
"""

from __future__ import annotations

import logging
import os
import re
import sys
import threading
import traceback
from collections.abc import Iterator, MutableMapping
from contextlib import suppress
from types import TracebackType
from typing import Any, TextIO

import structlog
from structlog.stdlib import ProcessorFormatter
from structlog.typing import Processor

from storage.errors import StylesealError

MASK = "•••"
SECRETS = re.compile(r"(bot)?\d{3,}:[\w-]{8,}|hf_\w{8,}")
LEFT_OUT = "…"
# What an event of ours may say beside its own sentence; anything else could be somebody's words or number.
FACTS = frozenset(
    {
        "event", "level", "timestamp", "exception", "again_in", "attempts", "code", "crash", "crashes", "device",
        "error", "file", "id", "job", "kind", "meaning", "memory", "method", "model", "part", "rows", "seconds",
        "short_id", "slot", "step", "token", "update", "updates_brought_back", "urgency", "why",
    }
)  # fmt: skip
SENTENCES = frozenset({"event", "exception", "model", "why", "timestamp"})
NAME = re.compile(r"[\w.:+-]{0,64}", re.ASCII)  # of an error, a device, a slot; a sentence is none
NUMERIC = ("/torch/", "/safetensors/")  # libraries that never see words may say what is wrong
SPEAKING = ("sqlite3", "pysqlite3")


def set_up_logs(level: str, token: str | None = None) -> None:
    """One handler on the root, for us and for libraries; crashes of any thread end there too."""
    shared: list[Processor] = [
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        without_words,
    ]
    structlog.configure(
        processors=[*shared, ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level]),
    )
    renderer: Processor = structlog.processors.JSONRenderer(ensure_ascii=False)
    if sys.stderr.isatty():
        renderer = structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
    handler = logging.StreamHandler(Unfailing(sys.stderr))
    handler.addFilter(reticent)
    handler.setFormatter(Masking(ProcessorFormatter(processor=renderer, foreign_pre_chain=shared), token))
    logging.basicConfig(level=level, handlers=[handler], force=True)
    _hear_crashes()


def _hear_crashes() -> None:
    log = structlog.get_logger("storage")

    def crashed(_kind: type[BaseException], error: BaseException, _trace: TracebackType | None) -> None:
        log.critical("the process ends", exc_info=error)

    sys.excepthook = crashed
    threading.excepthook = lambda args: log.critical("a thread ended", exc_info=args.exc_value)
    sys.unraisablehook = lambda args: log.error("an error that nobody can catch", exc_info=args.exc_value)


class Masking(logging.Formatter):
    """Masks secrets in the finished line, so that nothing slips by."""

    def __init__(self, inner: logging.Formatter, token: str | None) -> None:
        super().__init__()
        self._inner = inner
        self._token = token

    def format(self, record: logging.LogRecord) -> str:
        """The line without secrets."""
        return mask(self._inner.format(record), self._token)


def mask(text: str, token: str | None = None) -> str:
    """The text without anything that looks like a secret."""
    if token:
        text = text.replace(token, MASK)
    return SECRETS.sub(MASK, text)


def reticent(record: logging.LogRecord) -> bool:
    """Of what is logged past structlog: warnings and worse, where they were said, without what was filled in."""
    if isinstance(record.msg, dict):
        return True
    if record.levelno < logging.WARNING:
        return False
    said = str(record.msg) if record.args else LEFT_OUT
    record.msg = f"{record.name} {record.filename}:{record.lineno} {said}"
    if record.exc_info and record.exc_info[1] is not None:
        record.msg = f"{record.msg}\n{trace_of(record.exc_info[1])}"
    record.args, record.exc_info, record.exc_text, record.stack_info = (), None, None, None
    return True


def without_words(_logger: object, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Keeps the named facts of an event; an exception becomes its kinds and lines of code."""
    error = event.pop("exc_info", None)
    error = sys.exc_info()[1] if error is True else error[1] if isinstance(error, tuple) else error
    if isinstance(error, BaseException):
        event["exception"] = trace_of(error)
    for name, value in event.items():
        if not name.startswith("_") and not (name in FACTS and is_plain(name, value)):
            event[name] = LEFT_OUT
    return event


def is_plain(name: str, value: object) -> bool:
    """Whether a fact is a number or a name, or one of those that are sentences of ours."""
    return name in SENTENCES or not isinstance(value, str) or NAME.fullmatch(value) is not None


def trace_of(error: BaseException) -> str:
    """Kinds and lines of code of an exception and those behind it, oldest first; messages where words never are."""
    return "\n".join(_links(error, set()))


def _links(error: BaseException | None, seen: set[int]) -> Iterator[str]:
    if error is None or id(error) in seen:
        return
    seen.add(id(error))
    yield from _links(error.__cause__ or (None if error.__suppress_context__ else error.__context__), seen)
    for inner in getattr(error, "exceptions", ()):
        yield from _links(inner, seen)
    yield "".join(traceback.format_tb(error.__traceback__)) + described(error)


def described(error: BaseException) -> str:
    """An exception's kind, and what it says if it cannot be quoting anybody."""
    kind, said = type(error), ""
    if isinstance(error, StylesealError) or kind.__module__.startswith(SPEAKING) or _is_numeric(error):
        said = f": {error}"
    elif isinstance(error, OSError) and error.errno is not None:
        said = f": [Errno {error.errno}] {os.strerror(error.errno)}"
    return f"{kind.__module__}.{kind.__qualname__}{said}"


def _is_numeric(error: BaseException) -> bool:
    frames = traceback.extract_tb(error.__traceback__)
    return bool(frames) and any(library in frames[-1].filename for library in NUMERIC)


class Unfailing:
    """A stream whose lines are lost rather than a process, where they go into a file on a full disk."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        """Writes what can be written."""
        with suppress(OSError):
            self._stream.write(text)
        return len(text)

    def flush(self) -> None:
        """Flushes what can be flushed."""
        with suppress(OSError):
            self._stream.flush()
