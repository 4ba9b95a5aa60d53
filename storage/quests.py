"""Quests: begin, find, save, delete."""

from __future__ import annotations

from dataclasses import replace

from storage.database import Database, Row, from_ms
from storage.documents import dump, load
from storage.files import Files
from storage.queries import queries
from storage.recipe import Recipe
from storage.records import Quest, Style
from storage.states import FIRST_STAGE, Stage, Step, SubjectsFrom, Way

SQL = queries("quests")


class Quests:
    """The quests of the store."""

    def __init__(self, database: Database, files: Files) -> None:
        self._database = database
        self._files = files

    async def begin(self, owner: int, chat_id: int, style: Style | None = None) -> Quest:
        """A new quest at its first step; it becomes the person's current one."""
        values = {
            "owner": owner,
            "chat_id": chat_id,
            "step": Step.STYLE.value,
            "stage": FIRST_STAGE[Step.STYLE].value,
            "style": dump(style or Style()),
            "recipe": dump(Recipe()),
            "now": self._database.now_ms,
        }
        async with self._database.write():
            number = await self._database.insert(SQL["begin"], values)
            await self._database.change(SQL["make_current"], {"quest": number, "owner": owner})
            found = await self.find(number)
        assert found is not None
        return found

    async def find(self, quest_id: int) -> Quest | None:
        """One quest."""
        row = await self._database.one(SQL["find"], {"id": quest_id})
        return _quest(row) if row else None

    async def of(self, owner: int) -> tuple[Quest, ...]:
        """A person's quests, the one last touched first."""
        return tuple(_quest(row) for row in await self._database.all(SQL["of"], {"owner": owner}))

    async def current(self, owner: int) -> Quest | None:
        """The quest a person is on."""
        row = await self._database.one(SQL["current"], {"owner": owner})
        return _quest(row) if row else None

    async def make_current(self, owner: int, quest_id: int) -> None:
        """Turns a person to another quest of theirs."""
        await self._database.change(SQL["make_current"], {"quest": quest_id, "owner": owner})

    async def save(self, quest: Quest) -> Quest:
        """Keeps a changed quest; returns it with its new `updated`."""
        now = self._database.now_ms
        saved = replace(quest, updated=from_ms(now))
        values = {
            **{name: getattr(saved, name) for name in ("id", "chat_id", "name", "rev", "subject", "pick")},
            **{name: getattr(saved, name) for name in ("seal", "seal_strength", "cursor", "pasted")},
            "step": saved.step.value,
            "stage": saved.stage.value,
            "way": saved.way.value,
            "subjects_from": saved.subjects_from.value,
            "style": dump(saved.style),
            "recipe": dump(saved.recipe),
            "subjects": dump(saved.subjects, tuple[str, ...]),
            "updated": now,
        }
        await self._database.change(SQL["save"], values)
        return saved

    async def delete(self, quest_id: int) -> None:
        """Deletes a quest with its jobs, pictures and seals, and the files that nobody else needs."""
        async with self._database.write():
            files = await self._files.of_quests([quest_id])
            await self._database.delete(SQL["delete"], {"id": quest_id})
            await self._database.afterwards(lambda: self._files.drop_unneeded(files))


def _quest(row: Row) -> Quest:
    parsed = {
        "step": Step(row["step"]),
        "stage": Stage(row["stage"]),
        "way": Way(row["way"]),
        "subjects_from": SubjectsFrom(row["subjects_from"]),
        "style": load(Style, row["style"]),
        "recipe": load(Recipe, row["recipe"]),
        "subjects": load(tuple[str, ...], row["subjects"]),
        "created": from_ms(row["created"]),
        "updated": from_ms(row["updated"]),
    }
    return Quest(**{**row, **parsed})
