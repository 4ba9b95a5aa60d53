"""What becomes of a pending message that did not go out: it waits, goes with less, or is put aside with a sentence.

No chat is blocked for ever: what might pass is tried so often, then taken for refused.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta

import structlog
from telegram import Bot
from telegram.error import TelegramError

from bot.screens import Album, Document, Message, Notice, Screen
from bot.telegram.lesser import lesser
from bot.telegram.refusals import Meaning, Part, Verdict, verdict
from bot.words import LANGUAGES, Words
from storage.documents import dump
from storage.outbox import Pending
from storage.states import Urgency
from storage.store import Store

log = structlog.get_logger("delivery")

BACKOFF_SECONDS = (1, 2, 5, 10, 30, 60, 120)
ATTEMPTS_BEFORE_LESS = 6  # about a minute: a picture as a file costs little
ATTEMPTS_BEFORE_NOTHING = 12  # about eleven minutes: words that are given up are lost
WAITS_BEFORE_NOTHING = 60  # of those that Telegram itself asks for


@dataclass
class Setbacks:
    """Decides by `verdict`."""

    bot: Bot
    store: Store
    admins: frozenset[int] = frozenset()
    _away: int = field(default=0, init=False)  # looks in a row at a server that was not there

    async def take(self, pending: Pending, message: Message, error: Exception) -> None:
        """Writes down what follows from this error."""
        found = verdict(error)
        log.warning("not delivered", method=found.method, code=found.code, why=found.label, meaning=found.meaning.value)
        if found.meaning is Meaning.CHAT:
            await self._close(pending, found)
        elif found.meaning is Meaning.DONE:
            await self.store.outbox.sent(pending.id)
        elif found.meaning is Meaning.MESSAGE:
            await self._lessen(pending, message, found)
        else:
            await self._wait_or_lessen(pending, message, found)

    async def _close(self, pending: Pending, found: Verdict) -> None:
        if found.moved_to is not None:
            await self.store.chats.migrate(pending.chat_id, found.moved_to)
            return
        await self.store.chats.close(pending.chat_id, found.label or "forbidden")

    async def _wait_or_lessen(self, pending: Pending, message: Message, found: Verdict) -> None:
        """A server that does not even say who we are tells nothing of this message, so that does not count."""
        is_there = found.wait_seconds is not None or await self._is_there()
        self._away = 0 if is_there else self._away + 1
        if is_there and pending.attempts + 1 >= self._most(message, found):
            await self._lessen(pending, message, found)
            return
        tries = pending.attempts if is_there else self._away
        seconds = float(BACKOFF_SECONDS[min(tries, len(BACKOFF_SECONDS) - 1)])
        if found.wait_seconds is not None:
            seconds = found.wait_seconds + 1
        until = self.store.clock() + timedelta(seconds=seconds)
        async with self.store.write():
            await self.store.chats.wait(pending.chat_id, until)
            if not found.may_have_arrived:
                await self.store.outbox.later(pending.id, until, found.label)
            if not is_there:
                await self.store.outbox.uncount(pending.id)

    def _most(self, message: Message, found: Verdict) -> int:
        if found.wait_seconds is not None:
            return WAITS_BEFORE_NOTHING
        has_less = isinstance(message, Document | Album) or (
            isinstance(message, Screen) and message.picture is not None
        )
        return ATTEMPTS_BEFORE_LESS if has_less else ATTEMPTS_BEFORE_NOTHING

    async def _is_there(self) -> bool:
        try:
            await self.bot.get_me()
        except TelegramError:
            return False
        return True

    async def _lessen(self, pending: Pending, message: Message, found: Verdict) -> None:
        """The row goes on as what Telegram may still take; a refused edit is first sent anew, progress simply ends."""
        is_edit = found.method.startswith("edit") and isinstance(message, Screen)
        if is_edit and pending.urgency is Urgency.PROGRESS and found.part is Part.WHOLE:
            await self.store.outbox.dead_letter(pending.id, found.label)  # the next drawing replaces it
            return
        if is_edit and found.part is Part.WHOLE and isinstance(message, Screen) and not message.fresh:
            await self._rewrite(pending, Screen(**{**vars(message), "fresh": True}))
            return
        less = lesser(message, found.part)
        async with self.store.write():
            if less is None and isinstance(message, Document):
                less = Notice(text=await self._in_words(pending.chat_id, "document.refused", name=message.filename))
            if less is None:
                await self.store.outbox.dead_letter(pending.id, f"refused: {found.label}")
            else:
                await self._rewrite(pending, less)
            await self._tell(pending, message, less, found)

    async def _rewrite(self, pending: Pending, less: Message) -> None:
        await self.store.outbox.rewrite(pending.id, dump(less))

    async def _tell(self, pending: Pending, message: Message, less: Message | None, found: Verdict) -> None:
        """The person hears once of what is missing, the admins once a day of each kind, and nothing of its words."""
        missing = lost(message, less)
        if not missing:
            return
        place = pending.slot if pending.urgency is Urgency.PROGRESS and pending.slot else pending.id
        is_said = missing in ("notice", "document")  # of a file a sentence stands in its place
        if not is_said and await self.store.people.find(pending.chat_id) is not None:
            text = await self._in_words(pending.chat_id, f"refused.{missing}")
            await self._say(pending.chat_id, text, f"refused:{pending.chat_id}:{place}:{missing}")
        day = self.store.clock().date().isoformat()
        for admin in self.admins:
            facts = {"method": found.method or "?", "code": found.code, "why": found.label}
            text = await self._in_words(admin, f"admin.refused.{missing}", **facts)
            key = f"refused:{admin}:{day}:{found.method}:{found.code}:{found.label}:{missing}"
            await self._say(admin, text, key)

    async def _say(self, chat_id: int, text: str, key: str) -> None:
        await self.store.outbox.enqueue(chat_id, dump(Notice(text=text)), urgency=Urgency.EVENT, key=key)

    async def _in_words(self, person_id: int, key: str, **values: object) -> str:
        person = await self.store.people.find(person_id)
        return Words(person.language if person else LANGUAGES[0])(key, **values)


def lost(message: Message, less: Message | None) -> str:
    """What a person will miss when `less` comes instead of the message: document, picture, buttons, message, notice."""
    if isinstance(message, Document) and not isinstance(less, Document):
        return "document"
    if isinstance(message, Album):
        left = len(less.pictures) if isinstance(less, Album) else 0
        return "picture" if left < len(message.pictures) else ""
    if less is None:
        return "notice" if isinstance(message, Notice) else "message"
    if not isinstance(message, Screen) or not isinstance(less, Screen):
        return ""
    has_fewer = "buttons" if sum(map(len, less.rows)) < sum(map(len, message.rows)) else ""
    return "picture" if message.picture is not None and less.picture is None else has_fewer
