"""Structured log lines on stderr, without secrets and without the chatter of libraries."""

from __future__ import annotations

import logging
import os
import re
import sys
from collections.abc import MutableMapping
from contextlib import suppress
from typing import Any, TextIO

import structlog

SECRETS = re.compile(r"bot\d+:[\w-]+|\b\d{6,}:[\w-]{30,}|hf_\w{8,}")
CHATTY = ("httpx", "httpx2", "httpcore", "urllib3", "filelock", "PIL", "asyncio", "aiosqlite", "huggingface_hub")


def set_up_logs(level: str) -> None:
    """Call once, before transformers is imported."""
    os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
    os.environ.setdefault("DIFFUSERS_VERBOSITY", "error")
    number = logging.getLevelNamesMapping()[level]
    logging.basicConfig(level=number, stream=sys.stderr, format="%(levelname)s %(name)s %(message)s")
    for handler in logging.getLogger().handlers:  # on the handler: a filter on the root logger misses its children
        handler.addFilter(mask_record)
    for name in CHATTY:
        logging.getLogger(name).setLevel(logging.WARNING)
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            mask_secrets,
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.PrintLoggerFactory(Unfailing(sys.stderr)),  # type: ignore[arg-type]
    )


class Unfailing:
    """A stream whose lines are lost rather than an engine, where they go into a file on a full disk."""

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


def mask_record(record: logging.LogRecord) -> bool:
    """Masks secrets in a plain log record; lets it through."""
    record.msg, record.args = SECRETS.sub("***", record.getMessage()), None
    return True


def mask_secrets(_logger: object, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Masks what looks like a bot token or a hub token anywhere in a line."""
    for key, value in event.items():
        if isinstance(value, str):
            event[key] = SECRETS.sub("***", value)
    return event
