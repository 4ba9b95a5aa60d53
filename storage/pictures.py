"""Pictures that the engine drew. They are added under the fencing token of their job."""

from __future__ import annotations

from typing import Any

from storage.database import Database, Row
from storage.documents import dump, load
from storage.fence import Fence
from storage.files import Files
from storage.queries import queries
from storage.records import NewPicture, Picture, Progress
from storage.states import PictureRole

SQL = queries("pictures")
COLUMNS = ("id", "job", "position", "quest", "role", "file", "step")


class Pictures:
    """The pictures of the store."""

    def __init__(self, database: Database, files: Files, fence: Fence) -> None:
        self._database = database
        self._files = files
        self._fence = fence

    async def add(self, picture: NewPicture, token: int, progress: Progress | None = None) -> Picture:
        """Keeps a drawn picture; again at the same position it changes nothing. Raises LeaseLost."""
        values: dict[str, Any] = {name: getattr(picture, name) for name in COLUMNS if name != "id"}
        values["facts"] = dump(picture)
        async with self._database.write():
            await self._fence.require(picture.job, token)
            is_new = await self._database.change(SQL["add"], values) > 0
            found = await self._at(picture.job, picture.position)
            if found.file != picture.file:  # drawn again with other last bits, as a GPU may: the first one stays
                await self._files.drop_replaced([picture.file])
            await self._fence.note(picture.job, token, progress, progressed=is_new)
        return found

    async def _at(self, job_id: int, position: int) -> Picture:
        row = await self._database.one(SQL["at"], {"job": job_id, "position": position})
        assert row is not None
        return read_picture(row)

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
