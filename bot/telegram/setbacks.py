"""What becomes of an owed message that did not go out: it waits, goes with less, or is put aside with a sentence.

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
from storage.outbox import Owed
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

    async def take(self, owed: Owed, message: Message, error: Exception) -> None:
        """Writes down what follows from this error."""
        found = verdict(error)
        log.warning("not delivered", method=found.method, code=found.code, why=found.label, meaning=found.meaning.value)
        if found.meaning is Meaning.CHAT:
            await self._close(owed, found)
        elif found.meaning is Meaning.DONE:
            await self.store.outbox.sent(owed.id)
        elif found.meaning is Meaning.MESSAGE:
            await self._lessen(owed, message, found)
        else:
            await self._wait_or_lessen(owed, message, found)

    async def _close(self, owed: Owed, found: Verdict) -> None:
        if found.moved_to is not None:
            await self.store.outbox.migrate_chat(owed.chat_id, found.moved_to)
            return
        await self.store.outbox.close_chat(owed.chat_id, found.label or "forbidden")

    async def _wait_or_lessen(self, owed: Owed, message: Message, found: Verdict) -> None:
        """A server that does not even say who we are tells nothing of this message, so that does not count."""
        is_there = found.wait_seconds is not None or await self._is_there()
        self._away = 0 if is_there else self._away + 1
        if is_there and owed.attempts + 1 >= self._most(message, found):
            await self._lessen(owed, message, found)
            return
        tries = owed.attempts if is_there else self._away
        seconds = float(BACKOFF_SECONDS[min(tries, len(BACKOFF_SECONDS) - 1)])
        if found.wait_seconds is not None:
            seconds = found.wait_seconds + 1
        until = self.store.clock() + timedelta(seconds=seconds)
        async with self.store.write():
            await self.store.outbox.wait(owed.chat_id, until)
            if not found.may_have_arrived:
                await self.store.outbox.later(owed.id, until, found.label)
            if not is_there:
                await self.store.outbox.uncount(owed.id)

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

    async def _lessen(self, owed: Owed, message: Message, found: Verdict) -> None:
        """The row goes on as what Telegram may still take; a refused edit is first sent anew, progress simply ends."""
        is_edit = found.method.startswith("edit") and isinstance(message, Screen)
        if is_edit and owed.urgency is Urgency.PROGRESS and found.part is Part.WHOLE:
            await self.store.outbox.park(owed.id, found.label)  # the next drawing replaces it
            return
        if is_edit and found.part is Part.WHOLE and isinstance(message, Screen) and not message.fresh:
            await self._owe_instead(owed, Screen(**{**vars(message), "fresh": True}))
            return
        less = lesser(message, found.part)
        async with self.store.write():
            if less is None and isinstance(message, Document):
                less = Notice(text=await self._in_words(owed.chat_id, "document.refused", name=message.filename))
            if less is None:
                await self.store.outbox.park(owed.id, f"refused: {found.label}")
            else:
                await self._owe_instead(owed, less)
            await self._tell(owed, message, less, found)

    async def _owe_instead(self, owed: Owed, less: Message) -> None:
        await self.store.outbox.rewrite(owed.id, dump(less))

    async def _tell(self, owed: Owed, message: Message, less: Message | None, found: Verdict) -> None:
        """The person hears once of what is missing, the admins once a day of each kind, and nothing of its words."""
        missing = lost(message, less)
        if not missing:
            return
        place = owed.slot if owed.urgency is Urgency.PROGRESS and owed.slot else owed.id
        is_said = missing in ("notice", "document")  # of a file a sentence stands in its place
        if not is_said and await self.store.people.find(owed.chat_id) is not None:
            text = await self._in_words(owed.chat_id, f"refused.{missing}")
            await self._say(owed.chat_id, text, f"refused:{owed.chat_id}:{place}:{missing}")
        day = self.store.clock().date().isoformat()
        for admin in self.admins:
            facts = {"method": found.method or "?", "code": found.code, "why": found.label}
            text = await self._in_words(admin, f"admin.refused.{missing}", **facts)
            key = f"refused:{admin}:{day}:{found.method}:{found.code}:{found.label}:{missing}"
            await self._say(admin, text, key)

    async def _say(self, chat_id: int, text: str, key: str) -> None:
        await self.store.outbox.owe(chat_id, dump(Notice(text=text)), urgency=Urgency.EVENT, key=key)

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
