"""A text that was edited after it was sent: the new one counts where the step that the old one answered stands."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace

from bot.screens import Notice, Reply
from bot.steps import journey
from bot.steps.walk import Walk
from bot.telegram.slot_names import LAST_TEXT
from storage.records import Quest
from storage.slots import Slot
from storage.states import LIVE_STATES, JobKind, Stage, Step
from storage.store import Store


@dataclass(frozen=True)
class Answered:
    """Where a quest stood before and after a text."""

    quest: int
    step: str
    stage: str
    cursor: int
    after: str
    text: str  # a fingerprint

    @classmethod
    def of(cls, before: Quest | None, after: Quest | None, text: str) -> Answered:
        """What this text did."""
        if before is None:
            return cls(0, "", "", 0, place(after), fingerprint(text))
        return cls(before.id, before.step, before.stage, before.cursor, place(after), fingerprint(text))

    def __str__(self) -> str:
        return f"{self.quest}|{self.step}|{self.stage}|{self.cursor}|{self.after}|{self.text}"

    @classmethod
    def read(cls, written: str) -> Answered:
        """What `str()` wrote."""
        quest, step, stage, cursor, after, text = written.split("|")
        return cls(int(quest), step, stage, int(cursor), after, text)


def place(quest: Quest | None) -> str:
    """Where a quest stands, so that any move since is seen."""
    return f"{quest.id}:{quest.rev}:{quest.step}:{quest.stage}:{quest.cursor}" if quest else ""


def fingerprint(text: str) -> str:
    """So that an edit that changes no word (a link's preview came) is known."""
    return hashlib.sha256(text.encode(errors="replace")).hexdigest()[:16]


async def remember(store: Store, chat_id: int, message_id: int, answered: Answered) -> None:
    """This is the person's newest text, and what it did."""
    slot = Slot(message_id=message_id, fingerprint=str(answered))
    await store.slots.put(chat_id, LAST_TEXT, slot)


async def edited(walk: Walk, chat_id: int, message_id: int, text: str) -> Reply:
    """What an edited text does: nothing when no word changed, a sentence where its step is over."""
    slot = await walk.store.slots.find(chat_id, LAST_TEXT)
    found = Answered.read(slot.fingerprint) if slot is not None and slot.message_id == message_id else None
    if found is not None and found.text == fingerprint(text):
        return Reply()
    quest = walk.quest
    if found is None or quest is None or place(quest) != found.after or quest.step != found.step:
        return Reply(messages=(Notice(text=walk.words("text.edited_late")),))
    await _take_back(walk, quest, found)
    before = walk.quest
    reply = await journey.on_text(walk, text)
    await remember(walk.store, chat_id, message_id, Answered.of(before, walk.quest, text))
    return reply


async def _take_back(walk: Walk, quest: Quest, found: Answered) -> None:
    """The quest stands where the old text found it; a trial that the old text asked for is not wanted any more."""
    walk.quest = await walk.store.quests.save(replace(quest, stage=Stage(found.stage), cursor=found.cursor))
    if quest.step is not Step.TRYING:
        return
    trials = await walk.store.queue.of_quest(quest.id, JobKind.TRYING)
    for job in trials[:1]:
        if job.state in LIVE_STATES:
            await walk.store.queue.cancel(job.id)
