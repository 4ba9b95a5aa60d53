"""Builds a person's walk: their quest, their words, the machine, and the model's own tokenizer."""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable, Collection

import structlog
from tokenizers import Tokenizer

from bot.steps.walk import Walk
from bot.words import Words
from storage.errors import FileDamaged, FileMissing
from storage.records import ContentHash, MachineFacts, Person
from storage.store import Store

log = structlog.get_logger("walks")


WalkFor = Callable[[Person], Awaitable[Walk]]


class Walks:
    """The walks of all people over one store."""

    def __init__(self, store: Store, admins: Collection[int] = ()) -> None:
        self._store = store
        self._admins = frozenset(admins)
        self._chance = random.SystemRandom()
        self._tokenizer: tuple[ContentHash, Tokenizer | None] | None = None  # of the file of that hash

    async def of(self, person: Person) -> Walk:
        """Everything a step needs to answer this person."""
        facts = await self._store.machine.facts()
        return Walk(
            store=self._store,
            person=person,
            quest=await self._store.quests.current(person.id),
            words=Words(person.language),
            clock=self._store.clock,
            chance=self._chance,
            machine=facts,
            tokenizer=await self._tokenizer_of(facts),
            admins=self._admins,
        )

    async def _tokenizer_of(self, facts: MachineFacts | None) -> Tokenizer | None:
        if facts is None:
            return None
        file = facts.model.tokenizer
        if self._tokenizer is None or self._tokenizer[0] != file:
            try:
                content = await self._store.files.read(file)
            except (FileMissing, FileDamaged):
                return None
            self._tokenizer = (file, read_tokenizer(content))
        return self._tokenizer[1]


def read_tokenizer(content: bytes) -> Tokenizer | None:
    """The tokenizer in these bytes, or None: then prompts are not counted, as before an engine was ever here."""
    try:
        return Tokenizer.from_str(content.decode())
    except Exception as error:  # the library raises bare exceptions
        log.error("the model's tokenizer cannot be read; prompts are not counted", error=type(error).__name__)
        return None
