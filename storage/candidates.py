"""Candidates: payload pictures with a person's verdict and caption."""

from __future__ import annotations

from collections.abc import Sequence

from storage.database import Database
from storage.documents import dump, load
from storage.pictures import read_picture
from storage.queries import queries
from storage.records import Candidate
from storage.states import Verdict

SQL = queries("pictures")


class Candidates:
    """The candidates of the store."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def gather(self, quest_id: int) -> int:
        """Makes candidates of the quest's payload pictures that are none yet, numbering on; returns how many."""
        async with self._database.write():
            rows = await self._database.all(SQL["ungathered"], {"quest": quest_id})
            last = await self._database.one(SQL["last_number"], {"quest": quest_id})
            first = (last["number"] if last else 0) + 1
            for number, row in enumerate(rows, first):
                values = {"picture": row["id"], "quest": quest_id, "number": number}
                await self._database.change(SQL["gather"], values)
        return len(rows)

    async def of(self, quest_id: int) -> tuple[Candidate, ...]:
        """A quest's candidates by number."""
        return tuple(
            Candidate(
                picture=read_picture(row),
                number=row["number"],
                verdict=Verdict(row["verdict"]),
                judged=row["judged"],
                caption=row["caption"],
                caption_edited=bool(row["caption_edited"]),
                left_words=load(tuple[str, ...], row["left_words"]),
            )
            for row in await self._database.all(SQL["candidates"], {"quest": quest_id})
        )

    async def judge(self, quest_id: int, picture_id: int, verdict: Verdict) -> bool:
        """Keeps a verdict; says whether it changed anything."""
        values = {"quest": quest_id, "picture": picture_id, "verdict": verdict.value}
        return await self._database.change(SQL["judge"], values) > 0

    async def undo(self, quest_id: int) -> Candidate | None:
        """Takes the last verdict back; returns the candidate, or None when nothing was judged."""
        async with self._database.write():
            row = await self._database.one(SQL["last_judged"], {"quest": quest_id})
            if row is None:
                return None
            await self._database.change(SQL["unjudge"], {"picture": row["picture"]})
            found = await self.of(quest_id)
        return next(candidate for candidate in found if candidate.picture.id == row["picture"])

    async def caption(self, quest_id: int, picture_id: int, text: str, edited: bool) -> None:
        """Keeps a caption; `edited` says that the person wrote it."""
        values = {"quest": quest_id, "picture": picture_id, "caption": text, "edited": int(edited)}
        await self._database.change(SQL["caption"], values)

    async def leave_words(self, quest_id: int, picture_id: int, words: Sequence[str]) -> None:
        """Keeps which words of the style may stay in a caption."""
        values = {"quest": quest_id, "picture": picture_id, "words": dump(tuple(words), tuple[str, ...])}
        await self._database.change(SQL["leave_words"], values)
