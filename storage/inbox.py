"""Updates taken once, and taps done once."""

from __future__ import annotations

from datetime import datetime

from storage.database import Database, to_ms
from storage.queries import queries

SQL = queries("inbox")


class Inbox:
    """What came from Telegram."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def take(self, update_id: int, user: int | None, body: str) -> bool:
        """Keeps an update before it is acknowledged; False when it was delivered before."""
        values = {"update_id": update_id, "user": user, "body": body, "now": self._database.now_ms}
        return await self._database.change(SQL["take"], values) > 0

    async def lately(self, user: int, since: datetime) -> int:
        """How many updates of this person were taken after that moment."""
        row = await self._database.one(SQL["lately"], {"user": user, "since": to_ms(since)})
        return int(row["count"]) if row else 0

    async def pending(self) -> tuple[tuple[int, str], ...]:
        """(update id, body) of updates not handled yet, in order."""
        return tuple((row["update_id"], row["body"]) for row in await self._database.all(SQL["pending"], long=True))

    async def is_pending(self, update_id: int) -> bool:
        """Whether an update still waits to be handled."""
        return await self._database.one(SQL["is_pending"], {"update_id": update_id}) is not None

    async def done(self, update_id: int) -> None:
        """The update is handled; call it in the transaction that holds what it changed."""
        await self._database.change(SQL["done"], {"update_id": update_id})

    async def attempted(self, update_id: int) -> int:
        """Counts a handling that went wrong; returns how many there were."""
        async with self._database.write():
            row = await self._database.one(SQL["attempt"], {"update_id": update_id})
        return int(row["attempts"]) if row else 0

    async def failed(self, update_id: int) -> None:
        """Puts aside an update that cannot be handled."""
        await self._database.change(SQL["failed"], {"update_id": update_id})

    async def tap_done(self, chat_id: int, message_id: int, data: str) -> str | None:
        """The toast of the same tap done before, or None."""
        values = {"chat_id": chat_id, "message_id": message_id, "data": data}
        row = await self._database.one(SQL["tap"], values)
        return str(row["toast"]) if row else None

    async def remember_tap(self, chat_id: int, message_id: int, data: str, toast: str) -> None:
        """A tap is done; call it in the transaction that holds what it changed."""
        values = {"chat_id": chat_id, "message_id": message_id, "data": data, "toast": toast}
        await self._database.change(SQL["remember_tap"], {**values, "now": self._database.now_ms})

    async def tidy(self, before_ms: int) -> None:
        """Deletes what is older."""
        for name in ("tidy_inbox", "tidy_taps"):
            await self._database.delete(SQL[name], {"before": before_ms})
