"""In which language somebody is spoken to."""

from __future__ import annotations

from telegram import User

from bot.words import LANGUAGES, Words
from storage.store import Store


def language_of(user: User, otherwise: str) -> str:
    """The language of somebody's phone, if it is one of ours."""
    code = (user.language_code or "").split("-")[0].lower()
    return code if code in LANGUAGES else otherwise


async def words_for(store: Store, user: User, otherwise: str) -> Words:
    """In the language of somebody of whom no row may be made for that."""
    person = await store.people.find(user.id)
    return Words(person.language if person else language_of(user, otherwise))
