"""The one machine that draws and trains: what it says of itself, whether it is alive, whether an admin paused it."""

from __future__ import annotations

import json
from datetime import datetime

import structlog
from pydantic import ValidationError

from storage.database import Database, to_ms
from storage.documents import dump, load
from storage.queries import queries
from storage.records import MachineFacts
from storage.states import ModelFault

log = structlog.get_logger("machine")
SQL = queries("machine")
SILENT_AFTER_MS = 15_000  # the engine beats every second, also when idle


class MachineRow:
    """The machine's row."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._unreadable = ""

    async def announce(self, facts: MachineFacts) -> None:
        """The engine says what it is."""
        await self._database.change(SQL["announce"], {"facts": dump(facts), "now": self._database.now_ms})

    async def refuse(self, model: str, fault: ModelFault) -> None:
        """The engine says that it ends because it has no model, and why; the next that has one takes it back."""
        text = json.dumps({"model": model, "fault": fault.value})
        await self._database.change(SQL["refuse"], {"refusal": text})

    async def refusal(self) -> tuple[str, ModelFault] | None:
        """(name, fault) of the model that the last engine could not use."""
        row = await self._database.one(SQL["find"])
        if row is None or not row["refusal"]:
            return None
        said = json.loads(row["refusal"])
        return str(said["model"]), ModelFault(said["fault"])

    async def beat(self) -> None:
        """The engine says that it is alive."""
        await self._database.change(SQL["beat"], {"now": self._database.now_ms})

    async def facts(self) -> MachineFacts | None:
        """What the engine said of itself, if it ever did."""
        row = await self._database.one(SQL["find"])
        return self._read(row["facts"]) if row and row["facts"] else None

    def _read(self, text: str) -> MachineFacts | None:
        """None for facts of another shape, as if no engine had spoken yet; said in the log once a text."""
        try:
            return load(MachineFacts, text)
        except ValidationError:
            if text != self._unreadable:
                log.error("what the engine said of itself cannot be read; the next engine says it anew")
            self._unreadable = text
            return None

    async def alive(self, now: datetime | None = None) -> bool:
        """Whether the engine has beaten lately."""
        row = await self._database.one(SQL["find"])
        moment = to_ms(now) if now else self._database.now_ms
        return row is not None and moment - row["beat"] < SILENT_AFTER_MS

    async def pause(self) -> None:
        """No further job is claimed."""
        await self._database.change(SQL["pause"], {"paused": 1})

    async def resume(self) -> None:
        """Jobs are claimed again."""
        await self._database.change(SQL["pause"], {"paused": 0})

    async def paused(self) -> bool:
        """Whether an admin paused the machine."""
        row = await self._database.one(SQL["find"])
        return bool(row and row["paused"])
