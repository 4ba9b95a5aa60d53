"""Looks through the data folder and the chat after a quest: what is missing, and what is there twice."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from pysqlite3 import dbapi2 as sqlite

from storage.backup import check
from storage.errors import StylesealError
from storage.store import DATABASE
from tests.faults.patient import Patient

ONCE = ("hunt", "payload", "training")  # what one quest of the scripted person asks for once


def rows(data: Path, sql: str) -> list[Any]:
    """What the database says."""
    with closing(sqlite.connect(str(data / DATABASE))) as connection:
        return list(connection.execute(sql).fetchall())


def lost(data: Path, person: Patient) -> Iterator[str]:
    """Damage, updates that never came in or were not handled, messages given up, jobs that did not end well."""
    try:
        check(data)
    except StylesealError as error:
        yield f"{type(error).__name__}: {error}"
        return
    kept = [state for (state,) in rows(data, "SELECT state FROM inbox")]
    if len(kept) < len(person.answers) + person.wrote:
        yield f"{len(person.answers) + person.wrote - len(kept)} updates never came in"
    yield from (f"an update is {state}" for state in kept if state != "done")
    yield from (f"a dead letter: {why}" for (why,) in rows(data, "SELECT error FROM outbox WHERE state = 'parked'"))
    yield from (
        f"{kind} is {state}" for kind, state in rows(data, "SELECT kind, state FROM jobs WHERE state != 'done'")
    )


def doubled(data: Path, chat: Sequence[dict[str, Any]]) -> Iterator[str]:
    """Work done twice, and messages of the bot that stand in the chat twice."""
    jobs = Counter(kind for (kind,) in rows(data, "SELECT kind FROM jobs"))
    yield from (f"{jobs[kind]} jobs of {kind}" for kind in ONCE if jobs[kind] > 1)
    yield from (f"{count} times {what}" for what, count in Counter(map(face, from_bot(chat))).items() if count > 1)


def from_bot(chat: Sequence[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """The bot's messages that say something of their own."""
    for message in chat:
        if message["from_bot"] and (message.get("text") or message.get("document") or message.get("buttons")):
            yield message


def face(message: dict[str, Any]) -> tuple[str, ...]:
    """What a person would call the same message."""
    buttons = [button.get("callback_data", "") for row in message.get("buttons") or [] for button in row]
    return (message.get("text") or "", (message.get("document") or {}).get("file_name", ""), *buttons)
