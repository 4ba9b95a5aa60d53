"""The connection: pragmas, one write transaction at a time, migrations. Not a word of the domain."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiosqlite
from pysqlite3 import dbapi2 as sqlite

from storage import failpoints
from storage.errors import DatabaseDamaged, SchemaNewer, SqliteTooOld

Clock = Callable[[], datetime]
Row = dict[str, Any]

SAFE_SQLITE = (3, 51, 3)  # before it, two processes on one WAL file may corrupt it (WAL-reset bug)
BUSY_MILLISECONDS = 10_000
STATEMENT_CACHE = 64
MIGRATIONS = Path(__file__).parent / "migrations"
PRAGMAS = (
    f"PRAGMA busy_timeout = {BUSY_MILLISECONDS}",
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = FULL",  # an acknowledged tap survives a power cut
    "PRAGMA foreign_keys = ON",
    "PRAGMA secure_delete = ON",  # what people delete is gone from the pages too
)


def utc_now() -> datetime:
    """The clock of production; tests hand in their own."""
    return datetime.now(UTC)


def to_ms(moment: datetime) -> int:
    """An aware moment as milliseconds since 1970 UTC."""
    return round(moment.timestamp() * 1000)


def from_ms(milliseconds: int) -> datetime:
    """The aware moment of `to_ms`."""
    return datetime.fromtimestamp(milliseconds / 1000, UTC)


def check_library(version: Sequence[int] = sqlite.sqlite_version_info) -> None:
    """Raises SqliteTooOld for a library with the WAL-reset bug."""
    if tuple(version) < SAFE_SQLITE:
        raise SqliteTooOld(found=".".join(map(str, version)))


class Database:
    """One connection, used by many tasks; writes are taken one after another."""

    def __init__(self, connection: aiosqlite.Connection, clock: Clock) -> None:
        self._connection = connection
        self._lock = asyncio.Lock()
        self._writing: ContextVar[bool] = ContextVar("writing", default=False)
        self.clock = clock

    @classmethod
    async def open(cls, path: Path, clock: Clock = utc_now) -> Database:
        """Opens or creates the database and brings its schema up to date.

        Raises SqliteTooOld, SchemaNewer, DatabaseDamaged.
        """
        check_library()
        connection = aiosqlite.Connection(
            lambda: sqlite.connect(str(path), isolation_level=None, check_same_thread=False), STATEMENT_CACHE
        )
        await connection
        connection.row_factory = _as_dict  # type: ignore[assignment]  # any callable will do
        database = cls(connection, clock)
        try:
            for pragma in PRAGMAS:
                await connection.execute_fetchall(pragma)
            await database._migrate()
        except sqlite.DatabaseError as error:
            await connection.close()
            if isinstance(error, sqlite.OperationalError) and "malformed" not in str(error):
                raise
            raise DatabaseDamaged(path=path.name) from error
        except SchemaNewer:
            await connection.close()
            raise
        return database

    async def close(self) -> None:
        """Ends the connection and its thread."""
        await self._connection.close()

    @property
    def now_ms(self) -> int:
        """The clock's moment in milliseconds."""
        return to_ms(self.clock())

    @asynccontextmanager
    async def write(self) -> AsyncIterator[None]:
        """A write transaction; inside another one of the same task it joins that. An exception rolls back all of it."""
        if self._writing.get():
            yield
            return
        async with self._lock:
            token = self._writing.set(True)
            try:
                await self._connection.execute_fetchall("BEGIN IMMEDIATE")
                try:
                    yield
                except BaseException:
                    await self._connection.execute_fetchall("ROLLBACK")
                    raise
                failpoints.reach("commit")
                failpoints.reach("commit-before")
                await self._connection.execute_fetchall("COMMIT")
                failpoints.reach("commit-after")
            finally:
                self._writing.reset(token)

    async def all(self, sql: str, parameters: dict[str, Any] | None = None) -> list[Row]:
        """Every row of a query."""
        return list(await self._connection.execute_fetchall(sql, parameters or {}))  # type: ignore[arg-type]

    async def one(self, sql: str, parameters: dict[str, Any] | None = None) -> Row | None:
        """The first row of a query, if any."""
        rows = await self.all(sql, parameters)
        return rows[0] if rows else None

    async def change(self, sql: str, parameters: dict[str, Any] | None = None) -> int:
        """Runs a statement in a write transaction; returns how many rows it changed."""
        async with self.write(), self._connection.execute(sql, parameters or {}) as cursor:
            return cursor.rowcount

    async def insert(self, sql: str, parameters: dict[str, Any]) -> int:
        """Inserts one row in a write transaction; returns its id."""
        async with self.write(), self._connection.execute(sql, parameters) as cursor:
            return cursor.lastrowid or 0

    async def change_many(self, sql: str, rows: Iterable[dict[str, Any]]) -> None:
        """Runs a statement for each of the rows in one write transaction."""
        async with self.write():
            for row in rows:
                await self._connection.execute_fetchall(sql, row)

    async def maintain(self, *statements: str) -> None:
        """Runs statements that cannot live in a transaction (VACUUM, checkpoints)."""
        async with self._lock:
            for statement in statements:
                await self._connection.execute_fetchall(statement)

    async def backup_to(self, path: Path) -> None:
        """A consistent copy while others write."""
        async with self._lock:
            await self._connection.execute_fetchall("VACUUM INTO ?", (str(path),))

    async def _migrate(self) -> None:
        steps = sorted(MIGRATIONS.glob("*.sql"))
        applied = (await self.all("PRAGMA user_version"))[0]["user_version"]
        if applied > len(steps):
            raise SchemaNewer(found=applied, known=len(steps))
        for number, path in enumerate(steps[applied:], applied + 1):
            async with self.write():
                current = (await self.all("PRAGMA user_version"))[0]["user_version"]
                if current >= number:  # the other process was quicker
                    continue
                for statement in split_statements(path.read_text()):
                    await self._connection.execute_fetchall(statement)
                await self._connection.execute_fetchall(f"PRAGMA user_version = {number}")


def split_statements(script: str) -> list[str]:
    """The statements of a script; `executescript` would commit behind our back."""
    statements, current = [], ""
    for line in script.splitlines(keepends=True):
        current += line
        if sqlite.complete_statement(current):
            statements.append(current)
            current = ""
    return statements


def _as_dict(cursor: Any, row: Sequence[Any]) -> Row:
    return {column[0]: value for column, value in zip(cursor.description, row, strict=True)}
