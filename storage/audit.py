"""What admins did, kept for a while."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from storage.database import Database, from_ms
from storage.queries import queries

SQL = queries("audit")


@dataclass(frozen=True)
class Note:
    """What an admin did."""

    actor: int
    action: str
    object: str
    at: datetime


class Audit:
    """The notes of what admins did."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def note(self, actor: int, action: str, about: str) -> None:
        """Keeps what an admin did."""
        values = {"actor": actor, "action": action, "object": about, "now": self._database.now_ms}
        await self._database.change(SQL["note"], values)

    async def notes(self, limit: int = 20) -> tuple[Note, ...]:
        """What admins did, the newest first."""
        rows = await self._database.all(SQL["notes"], {"limit": limit})
        return tuple(Note(row["actor"], row["action"], row["object"], from_ms(row["at"])) for row in rows)

    async def tidy(self, before_ms: int) -> None:
        """Deletes older notes."""
        await self._database.delete(SQL["tidy"], {"before": before_ms})
