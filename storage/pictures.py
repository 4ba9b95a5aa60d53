"""Pictures that the engine drew. They are added through the queue (storage.jobs), under its fencing token."""

from __future__ import annotations

from typing import Any

from storage.database import Database, Row
from storage.documents import dump, load
from storage.queries import queries
from storage.records import NewPicture, Picture
from storage.states import PictureRole

SQL = queries("pictures")
COLUMNS = ("id", "job", "position", "quest", "role", "file", "step")


class Pictures:
    """The pictures of the store."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, picture: NewPicture) -> Picture:
        """Keeps a picture, or finds the one already kept at its position of its job."""
        values: dict[str, Any] = {name: getattr(picture, name) for name in COLUMNS if name != "id"}
        values["facts"] = dump(picture)
        async with self._database.write():
            await self._database.change(SQL["add"], values)
            found = await self.at(picture.job, picture.position)
        assert found is not None
        return found

    async def at(self, job_id: int, position: int) -> Picture | None:
        """The picture at a position of a job."""
        row = await self._database.one(SQL["at"], {"job": job_id, "position": position})
        return read_picture(row) if row else None

    async def find(self, picture_id: int) -> Picture | None:
        """One picture."""
        row = await self._database.one(SQL["find"], {"id": picture_id})
        return read_picture(row) if row else None

    async def of_job(self, job_id: int) -> tuple[Picture, ...]:
        """A job's pictures by position."""
        return tuple(read_picture(row) for row in await self._database.all(SQL["of_job"], {"job": job_id}))

    async def of_quest(self, quest_id: int, role: PictureRole) -> tuple[Picture, ...]:
        """A quest's pictures of one role, in the order they were drawn."""
        rows = await self._database.all(SQL["of_quest"], {"quest": quest_id, "role": role.value})
        return tuple(read_picture(row) for row in rows)


def read_picture(row: Row) -> Picture:
    """A picture from its row; the columns win over the document."""
    facts: NewPicture = load(NewPicture, row["facts"])
    return Picture(**{**vars(facts), "id": row["id"]})
