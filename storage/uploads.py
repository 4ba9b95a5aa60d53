"""Pictures that Telegram has already, by the id it gave them, so that none is drawn and uploaded twice."""

from __future__ import annotations

from dataclasses import dataclass

from storage.database import Database
from storage.queries import queries

SQL = queries("uploads")
MOST_UPLOADS = 50_000  # about 15 MB of rows; without them pictures are merely drawn and uploaded again


@dataclass(frozen=True, kw_only=True)
class Upload:
    """A picture with Telegram. `chat_id` is set for a person's own, which /forget takes along."""

    bot: int
    picture: str
    file_id: str
    chat_id: int | None


class Uploads:
    """The pictures that Telegram has."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def find(self, bot: int, picture: str) -> str | None:
        """Telegram's id of a picture that this bot has uploaded before."""
        row = await self._database.one(SQL["find"], {"bot": bot, "picture": picture})
        return str(row["file_id"]) if row else None

    async def remember(self, upload: Upload) -> None:
        """A picture is with Telegram, under this id."""
        await self._database.change(SQL["remember"], {**vars(upload), "now": self._database.now_ms})

    async def tidy(self, before_ms: int) -> None:
        """Forgets old uploads, and some when there are many."""
        await self._database.delete(SQL["tidy"], {"before": before_ms, "most": MOST_UPLOADS})
