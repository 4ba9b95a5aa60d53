"""Log lines: structlog over the standard library, with every secret masked in message, arguments and traceback."""

from __future__ import annotations

import logging
import re
import sys
from types import TracebackType

import structlog
from structlog.typing import Processor

MASK = "•••"
SECRETS = re.compile(r"(bot)?\d{3,}:[\w-]{8,}|hf_\w{8,}")
CHATTY = ("httpx", "httpcore", "httpx2", "telegram", "telegram.ext", "asyncio", "matplotlib", "PIL", "aiosqlite")


class Masking(logging.Formatter):
    """Masks secrets in the finished line, so that nothing slips by in arguments or tracebacks."""

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


def set_up_logs(level: str, token: str | None) -> None:
    """One handler on the root; the libraries' own chatter only from warnings up, unless DEBUG is asked for."""
    shared: list[Processor] = [structlog.stdlib.add_log_level, structlog.processors.TimeStamper(fmt="iso", utc=True)]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    renderer = structlog.dev.ConsoleRenderer(
        colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback
    )
    formatter = structlog.stdlib.ProcessorFormatter(processor=renderer, foreign_pre_chain=shared)
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(Masking(formatter, token))
    logging.basicConfig(level=level, handlers=[handler], force=True)
    if level != "DEBUG":
        for name in CHATTY:
            logging.getLogger(name).setLevel(logging.WARNING)

    def crashed(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        logging.getLogger("bot").critical("the bot ends", exc_info=(kind, error, trace))

    sys.excepthook = crashed
