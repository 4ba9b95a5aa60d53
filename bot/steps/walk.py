"""One person's walk: what a step may read, change and offer. Knows store and words, no Telegram and no pixels."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from bot.library import Library, library
from bot.rules.lengths import units
from bot.rules.palette import kept
from bot.rules.prompt import negative_of
from bot.rules.quotas import most_live
from bot.rules.trigger import Tokenizer, tokens_of
from bot.screens import LONGEST_COPY, Button, CopyButton, Message, Notice, Row
from bot.steps.moves import JOURNEY, Event, MoveRefused, Place
from bot.taps import MILLISECONDS, REVISIONS, Stamp, Tap, Verb
from bot.words import Words
from storage.chunks import in_chunks
from storage.families import Family
from storage.records import Candidate, Job, MachineFacts, Person, Quest, Style
from storage.requests import Request, prompts_of
from storage.states import JobKind
from storage.store import Store


@dataclass(frozen=True, kw_only=True)
class Turn:
    """What a handler answers: a toast, messages, and whether the screen of where the quest now stands follows."""

    toast: str = ""
    alert: bool = False
    messages: tuple[Message, ...] = ()
    screen: bool = True
    fresh: bool = False  # the screen is a new message at the bottom


@dataclass(kw_only=True)
class Walk:
    """Everything a step needs to answer one person."""

    store: Store
    person: Person
    quest: Quest | None
    words: Words
    clock: Callable[[], datetime]
    chance: random.Random = field(default_factory=random.SystemRandom)
    machine: MachineFacts | None = None
    tokenizer: Tokenizer | None = None
    admins: frozenset[int] = frozenset()
    library: Library = field(default_factory=library)
    asked: Job | None = None  # what was just asked of the engine
    lasting: bool = False  # buttons are the same at every drawing: for status messages, which are drawn over and over

    @property
    def here(self) -> Quest:
        """The quest being walked; only asked for where there is one."""
        assert self.quest is not None
        return self.quest

    @property
    def place(self) -> Place:
        """Where the quest stands."""
        return Place(self.here.step, self.here.stage)

    @property
    def family(self) -> Family:
        """The family of the model in use; the embedded one before an engine was ever here."""
        return self.machine.model.family if self.machine else Family.EMOJI

    async def stay(self, **changes: Any) -> None:
        """Keeps changes of the quest without moving: keyboards stay good."""
        self.quest = await self.store.quests.save(replace(self.here, **changes))

    async def move(self, event: Event, **changes: Any) -> None:
        """Goes where the table says; keyboards drawn before are old from now on. Raises MoveRefused."""
        target = JOURNEY[self.place].get(event)
        if target is None:
            raise MoveRefused(place=str(self.place), event=event.value)
        changes = {
            "cursor": 0,
            "pasted": "",
            **changes,
            "step": target.step,
            "stage": target.stage,
            "rev": self.here.rev + 1,
        }
        await self.stay(**changes)

    def may(self, event: Event) -> bool:
        """Whether the table knows this event here."""
        return self.quest is not None and event in JOURNEY[self.place]

    async def palette(self) -> list[Candidate]:
        """The kept candidates by number."""
        return kept(await self.store.candidates.of(self.here.id))

    def stamp(self) -> Stamp:
        """What a button is drawn for now."""
        moment = 0 if self.lasting else int(self.clock().timestamp() * 1000) % MILLISECONDS
        return Stamp(self.quest.id, self.quest.rev % REVISIONS, moment) if self.quest else Stamp(moment=moment)

    def is_current(self, tap: Tap) -> bool:
        """Whether a button was drawn for the current quest at its current revision."""
        now = self.stamp()
        return (tap.stamp.quest, tap.stamp.revision) == (now.quest, now.revision)

    def button(self, key: str, verb: Verb, *args: object, look: Any = "", **values: object) -> Button:
        """A button with words from the catalogue."""
        return self.labelled(self.words.plain(key, **values), verb, *args, look=look)

    def labelled(self, label: str, verb: Verb, *args: object, look: Any = "") -> Button:
        """A button with a label that needs no words."""
        tap = Tap(verb, tuple(str(arg) for arg in args), self.stamp())
        return Button(label=label, data=tap.data(), look=look)

    def copies(self, key: str, text: str) -> Row:
        """A button that copies a text whole; none for a text that is longer than such a button holds."""
        fits = 1 <= units(text) <= LONGEST_COPY
        return (CopyButton(label=self.words.plain(key), copies=text),) if fits else ()

    def way_back(self) -> Row:
        """The row every screen ends with."""
        return (self.button("nav.back", Verb.NAV_BACK), self.button("nav.home", Verb.NAV_HOME))

    def way_home(self) -> Row:
        """The row of what stands outside the quest."""
        return (self.button("nav.home", Verb.NAV_HOME),)

    def token_count(self, text: str) -> int:
        """Tokens of a text for the model in use; 0 when no tokenizer is known yet."""
        return len(tokens_of(text, self.tokenizer))

    def room(self) -> int:
        """Tokens a prompt may have: the encoder's length without start and end."""
        return self.machine.model.max_tokens - 2 if self.machine else 75

    def negative(self, style: Style) -> str:
        """What a style's pictures avoid, as the model in use understands it."""
        look = self.library.look(style.preset)
        is_own = look is None or look.negative != style.negative
        return negative_of(style.negative, self.family, is_own=is_own)

    async def ask(self, request: Request, key: str = "") -> Job:
        """Asks the engine for work; with a key once. Raises PromptRefused, QuotaReached, JobConflict."""
        self.has_room(*prompts_of(request))
        if not key:
            asked_before = await self.store.queue.count(self.here.id, request.KIND)
            key = f"{request.KIND}:{self.here.id}:{asked_before}"
        quest, user, most = self.here.id, self.person.id, most_live(request)
        self.asked = await self.store.queue.enqueue(request, key=key, quest=quest, user=user, most_live=most)
        return self.asked

    async def ask_and_move(self, event: Event, request: Request, **changes: Any) -> None:
        """Asks for work and moves, or neither. Raises MoveRefused, PromptRefused, QuotaReached, JobConflict."""
        if not self.may(event):
            raise MoveRefused(place=str(self.place), event=event.value)
        await self.ask(request)
        await self.move(event, **changes)

    async def newest_job(self, kind: JobKind) -> Job | None:
        """The quest's newest job of a kind; the one just asked for is at hand."""
        if self.asked is not None and (self.asked.quest, self.asked.kind) == (self.here.id, kind):
            return self.asked
        return await self.store.queue.latest(self.here.id, kind)

    def says(self, key: str, **values: object) -> Turn:
        """A sentence of its own; nothing is changed, and the screen stays as it is."""
        return Turn(messages=(Notice(text=self.words(key, **values)),), screen=False)

    def has_room(self, *prompts: str) -> None:
        """Nothing, where each prompt is short enough for the model. Raises PromptRefused.

        Before an engine was ever here a word counts as one token, the least it can be; the engine counts again.
        """
        for text in prompts:
            in_chunks(text, lambda words: tokens_of(words, self.tokenizer) or words.split(), self.room(), ",")

    def refuses(self, key: str, **values: object) -> Turn:
        """An alert that says why not; the screen stays as it is."""
        return Turn(toast=self.words.plain(key, **values), alert=True, screen=False)
