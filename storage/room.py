"""Room on the disk: which errors say that there is none, what stays free for rows, a reserve for the worst day.

Files are refused while there is still room for rows, so that people can be told and everything can go on afterwards.
"""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import structlog
from pysqlite3 import dbapi2 as sqlite

from storage.errors import CannotWrite, DiskFails, NoRoom

log = structlog.get_logger("room")
FLOOR_BYTES = 256 << 20  # days of rows; a picture is 0.5 MB, a training state 10 to 300 MB
FLOOR_SHARE = 20  # but never more than a twentieth of a small disk
RESERVE_BYTES = 8 << 20  # two full WALs: enough to say why everything waits
RESERVE_SHARE = 16  # but never more than a sixteenth of a small disk
RESERVE = "room.reserve"
PROBE = "room.probe"
FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
BROKEN = frozenset({errno.EIO, errno.EROFS, errno.ENODEV, errno.ENXIO})
SQLITE_FULL = frozenset({sqlite.SQLITE_FULL})
SQLITE_BROKEN = frozenset({sqlite.SQLITE_IOERR, sqlite.SQLITE_CANTOPEN, sqlite.SQLITE_READONLY})

Usage = Callable[[Path], Any]  # has .total and .free, in bytes


class Room:
    """The room of the disk that a folder lies on."""

    def __init__(self, folder: Path, usage: Usage = shutil.disk_usage) -> None:
        self.folder = folder
        self._usage = usage
        self._complained = False

    def is_low(self, needs_bytes: int = 0) -> bool:
        """Whether so many bytes more would leave less than what rows need."""
        found = self._usage(self.folder)
        return bool(found.free - needs_bytes < min(FLOOR_BYTES, found.total // FLOOR_SHARE))

    def require(self, needs_bytes: int = 0) -> None:
        """Raises NoRoom, with what was needed, when the room is low."""
        if self.is_low(needs_bytes):
            raise NoRoom(needs=needs_bytes)

    def is_back(self, needs_bytes: int = 0) -> bool:
        """Whether so many bytes can really be had: quotas and broken disks show only when one tries."""
        if self.is_low(needs_bytes):
            return False
        probe = self.folder / f"{PROBE}.{os.getpid()}"
        try:
            with probe.open("wb") as handle:
                _allocate(handle.fileno(), needs_bytes + 1)
        except OSError:
            return False
        finally:
            with suppress(OSError):
                probe.unlink(missing_ok=True)
        return True

    def keep_reserve(self) -> None:
        """Holds a little room back, where there is plenty."""
        path = self.folder / RESERVE
        with suppress(OSError):
            size_bytes = min(RESERVE_BYTES, self._usage(self.folder).total // RESERVE_SHARE)
            if not path.exists() and not self.is_low(3 * size_bytes):
                with path.open("wb") as handle:
                    _allocate(handle.fileno(), size_bytes)

    def release_reserve(self) -> None:
        """The worst day: rows may have what was held back."""
        with suppress(OSError):
            (self.folder / RESERVE).unlink(missing_ok=True)

    def write_error(self, error: BaseException, needs_bytes: int = 0) -> CannotWrite | None:
        """The one place that says what an error of the disk means; None for every other error."""
        code = error.errno if isinstance(error, OSError) else getattr(error, "sqlite_errorcode", 0) & 0xFF
        full, broken = (FULL, BROKEN) if isinstance(error, OSError) else (SQLITE_FULL, SQLITE_BROKEN)
        if code in full or (code in broken and self._seems_low()):
            return NoRoom(needs=needs_bytes)
        return DiskFails() if code in broken else None

    def complain(self, error: CannotWrite) -> None:
        """Logs once that nothing can be written, however often it is tried again."""
        if not self._complained:
            log.warning("cannot write", why=str(error))
        self._complained = True

    def relax(self) -> None:
        """Logs once, after a write that worked, that everything can be written again."""
        if self._complained and not self._seems_low():
            self._complained = False
            log.info("can write again")

    def _seems_low(self) -> bool:
        """SQLite calls it an I/O error when a log's index cannot grow."""
        try:
            return self.is_low()
        except OSError:
            return False

    @contextmanager
    def telling(self, needs_bytes: int = 0) -> Iterator[None]:
        """Raises NoRoom or DiskFails where the disk says so inside; every other error passes as it is."""
        try:
            yield
        except (OSError, sqlite.Error) as error:
            found = self.write_error(error, needs_bytes)
            if found is None:
                raise
            raise found from error


def _allocate(handle: int, size_bytes: int) -> None:
    if hasattr(os, "posix_fallocate"):
        os.posix_fallocate(handle, 0, size_bytes)
    else:
        os.write(handle, b"\0" * size_bytes)
