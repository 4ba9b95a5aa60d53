"""Seals: checkpoints that a person picked."""

from __future__ import annotations

from storage.database import Database, Row, from_ms
from storage.documents import dump, load
from storage.queries import queries
from storage.recipe import Recipe
from storage.records import ContentHash, Seal

SQL = queries("seals")


class Seals:
    """The seals of the store."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def make(
        self, quest_id: int, job_id: int, step: int, trigger: str, recipe: Recipe, adapter: ContentHash
    ) -> Seal:
        """The seal of a checkpoint; picking the same one again finds it."""
        values = {
            "quest": quest_id,
            "job": job_id,
            "step": step,
            "trigger": trigger,
            "recipe": dump(recipe),
            "adapter": adapter,
            "now": self._database.now_ms,
        }
        async with self._database.write():
            await self._database.change(SQL["make"], values)
            row = await self._database.one(SQL["at"], {"job": job_id, "step": step})
        assert row is not None
        return _seal(row)

    async def find(self, seal_id: int) -> Seal | None:
        """One seal."""
        row = await self._database.one(SQL["find"], {"id": seal_id})
        return _seal(row) if row else None

    async def of_quest(self, quest_id: int) -> tuple[Seal, ...]:
        """A quest's seals, the newest first."""
        return tuple(_seal(row) for row in await self._database.all(SQL["of_quest"], {"quest": quest_id}))


def _seal(row: Row) -> Seal:
    return Seal(**{**row, "recipe": load(Recipe, row["recipe"]), "created": from_ms(row["created"])})
