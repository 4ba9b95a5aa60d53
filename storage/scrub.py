"""Deleted bytes leave every page, the log and the copies made before migrations, without anybody waiting for it."""

from __future__ import annotations

import asyncio
from contextlib import closing
from pathlib import Path

from pysqlite3 import dbapi2 as sqlite

from storage.room import Room

SMALL_BYTES = 8 << 20  # rewritten within some 0.1 s; a larger database waits for an idle moment
PATIENCE_MILLISECONDS = 200  # our own wait for others; they are asked again later rather than held up


async def scrub(path: Path, *, whole: bool = False) -> bool:
    """Takes what was deleted out of every byte; `whole` also of a large database. False: to be done later.

    Whoever writes meanwhile waits as long as for a few commits, unless `whole`. Not inside a write.
    """
    await asyncio.to_thread(drop_copies, path)
    if whole or (await asyncio.to_thread(path.stat)).st_size <= SMALL_BYTES:
        return await asyncio.to_thread(rewrite, path)
    await asyncio.to_thread(empty_log, path)
    return False


def drop_copies(path: Path, older_than: float | None = None) -> None:
    """Deletes the copies kept before migrations; with a time (s), only those written before it."""
    for copy in path.parent.glob(f"{path.name}.before-*"):
        if older_than is None or copy.stat().st_mtime < older_than:
            copy.unlink(missing_ok=True)


def empty_log(path: Path) -> bool:
    """Moves the log into the database and cuts it to nothing; False when somebody read or wrote just then."""
    with closing(_connect(path)) as connection:
        return bool(connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0] == 0)


def rewrite(path: Path) -> bool:
    """Writes the database anew, so that no page keeps a stale copy of a moved row; False when somebody wrote just then.

    `secure_delete` zeroes what is deleted, but a page that was rebuilt keeps old bytes between its rows (measured).
    """
    with Room(path.parent).telling(), closing(_connect(path)) as connection:
        try:
            connection.execute("VACUUM")
        except sqlite.OperationalError as error:
            if "locked" in str(error):
                return False
            raise
    return empty_log(path)


def _connect(path: Path) -> sqlite.Connection:
    connection = sqlite.connect(str(path), isolation_level=None)
    connection.execute(f"PRAGMA busy_timeout = {PATIENCE_MILLISECONDS}")
    connection.execute("PRAGMA secure_delete = ON")
    return connection
