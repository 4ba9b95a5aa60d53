"""Manners of the process: it ends with whoever started it, and its log lines never quote anybody."""

from __future__ import annotations

import logging
import os
import signal
import sys
import threading
import traceback
from collections.abc import Iterator
from contextlib import suppress

LEASH = "STYLESEAL_LEASH"  # number of the open pipe end, set by `launch`


def end_with_launcher() -> None:
    """From now on this process ends with `launch`, however that one died. Nothing when it was started by hand."""
    number = os.environ.pop(LEASH, "")
    if number.isdecimal():
        threading.Thread(target=_end_with, args=(int(number),), name="leash", daemon=True).start()


def _end_with(pipe: int) -> None:
    with suppress(OSError):
        os.read(pipe, 1)  # nothing is ever written: it returns when the other end closes
    os.kill(os.getpid(), signal.SIGTERM)


def set_up_logs() -> None:
    """Warnings and worse go to stderr, of libraries and of what nobody caught."""
    handler = logging.StreamHandler()
    handler.setFormatter(WithoutWords())
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    log = logging.getLogger("rehearsal")
    sys.excepthook = lambda _kind, error, _trace: log.critical("the process ends", exc_info=error)
    sys.unraisablehook = lambda args: log.error("an error that nobody can catch", exc_info=args.exc_value)


class WithoutWords(logging.Formatter):
    """Says where and what kind: a message that is filled in, or an exception's, may quote a person or the token."""

    def format(self, record: logging.LogRecord) -> str:
        """The line, and below it the kinds and lines of code of what was raised."""
        said = record.msg if record.args or record.name == "rehearsal" else "…"
        line = f"{self.formatTime(record)} {record.levelname} {record.name} {record.filename}:{record.lineno} {said}"
        return "\n".join([line, *_links(record.exc_info[1] if record.exc_info else None)])


def _links(error: BaseException | None) -> Iterator[str]:
    """An exception and those behind it, oldest first."""
    if error is not None:
        yield from _links(error.__cause__ or error.__context__)
        for inner in getattr(error, "exceptions", ()):
            yield from _links(inner)
        yield "".join(traceback.format_tb(error.__traceback__)) + type(error).__qualname__
