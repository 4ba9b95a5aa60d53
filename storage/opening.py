"""The database file before anybody uses it: born whole, checked, brought to today's schema. Knows no table."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from pysqlite3 import dbapi2 as sqlite

from storage import failpoints
from storage.clock import find_origin
from storage.errors import DatabaseDamaged, SchemaNewer, SqliteTooOld

SAFE_SQLITE = (3, 51, 3)  # before it, two processes on one WAL file may corrupt it (WAL-reset bug)
BUSY_MILLISECONDS = 10_000
MIGRATIONS = Path(__file__).parent / "migrations"


def check_library(version: Sequence[int] = sqlite.sqlite_version_info) -> None:
    """Raises SqliteTooOld for a library with the WAL-reset bug."""
    if tuple(version) < SAFE_SQLITE:
        raise SqliteTooOld(found=".".join(map(str, version)))


def prepare(path: Path, migrations: Path = MIGRATIONS) -> int:
    """Creates the database when there is none, or checks it and applies what it lacks; one process at a time.

    Returns the origin of this machine's time, see storage.clock.

    Raises SqliteTooOld, SchemaNewer, DatabaseDamaged.
    """
    check_library()
    steps = sorted(migrations.glob("*.sql"))
    with _alone(path):
        if not path.exists():
            _create(path, steps)
        if path.stat().st_size == 0:
            raise DatabaseDamaged(path=path.name)
        try:
            return _upgrade(path, steps)
        except sqlite.DatabaseError as error:
            if isinstance(error, sqlite.OperationalError):  # the disk, a lock: not the file's fault
                raise
            raise DatabaseDamaged(path=path.name) from error


def _create(path: Path, steps: Sequence[Path]) -> None:
    """The file gets its name when it is complete, so an empty one is always damage and never a birth cut short."""
    new = path.with_name(path.name + ".new")
    for suffix in ("", "-journal", "-wal", "-shm"):
        path.with_name(new.name + suffix).unlink(missing_ok=True)
    with closing(_connect(new)) as connection:
        _apply(connection, steps, 0)
        connection.execute("PRAGMA journal_mode = WAL")
    make_durable(new)
    rename(new, path)


def _upgrade(path: Path, steps: Sequence[Path]) -> int:
    with closing(_connect(path)) as connection:
        found = connection.execute("PRAGMA quick_check").fetchone()[0]
        if found != "ok":
            raise DatabaseDamaged(path=path.name, found=found)
        applied: int = connection.execute("PRAGMA user_version").fetchone()[0]
        if applied > len(steps):
            raise SchemaNewer(found=applied, known=len(steps))
        if applied < len(steps):
            _keep_copy(connection, path.with_name(f"{path.name}.before-{applied + 1}"))
            _apply(connection, steps, applied)
        connection.execute("PRAGMA journal_mode = WAL")
        return find_origin(connection)


def _keep_copy(connection: Any, copy: Path) -> None:
    """A migration that turns out wrong must not be the end; a copy left by a start cut short is made anew."""
    copy.unlink(missing_ok=True)
    connection.execute("VACUUM INTO ?", (str(copy),))
    make_durable(copy)


def _apply(connection: Any, steps: Sequence[Path], applied: int) -> None:
    for number, step in enumerate(steps[applied:], applied + 1):
        script = f"BEGIN IMMEDIATE;\n{step.read_text()}\nPRAGMA user_version = {number};\n"
        try:
            connection.executescript(script)
            failpoints.reach("migration")
            connection.execute("COMMIT")
        except BaseException:
            connection.rollback()
            raise


def _connect(path: Path) -> Any:
    connection = sqlite.connect(str(path), isolation_level=None)
    connection.execute(f"PRAGMA busy_timeout = {BUSY_MILLISECONDS}")
    connection.execute("PRAGMA synchronous = FULL")
    return connection


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    """Bot and engine may start in the same moment; the system frees the lock when its holder dies."""
    with path.with_name(path.name + ".lock").open("a") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def make_durable(path: Path) -> None:
    """Returns when the file's bytes are on the disk; for a folder, its names."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def rename(source: Path, target: Path) -> None:
    """Gives a complete file its name, durably. Failpoints rename-before, rename-after, and rename for both."""
    failpoints.reach("rename-before")
    failpoints.reach("rename")
    source.replace(target)
    make_durable(target.parent)
    failpoints.reach("rename-after")
    failpoints.reach("rename")
