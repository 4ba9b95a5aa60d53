"""Every sentence a person reads, by language, from the Babel catalogues beside this file. Knows no screen and no store.

A key is the msgid; what has a plural chooses its form by the value named `count`.
"""

from __future__ import annotations

import gettext
import html
from functools import cache
from io import BytesIO
from pathlib import Path

from babel.messages import Catalog
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

FOLDER = Path(__file__).parent
LANGUAGES = ("en", "ru", "ko")
OWN_NAMES = {"en": "English", "ru": "Русский", "ko": "한국어"}  # each as its speakers write it


class Markup(str):
    """Text that is HTML already; every other text is escaped on its way into a sentence."""

    __slots__ = ()


class WordMissing(KeyError):
    """No catalogue has this key."""


class Words:
    """The sentences of one language."""

    def __init__(self, language: str) -> None:
        self.language = language if language in LANGUAGES else LANGUAGES[0]
        self._translations, self._plurals = _compiled(self.language)

    def __call__(self, key: str, **values: object) -> str:
        """The sentence as Telegram HTML (a Markup); values are escaped unless they are Markup. Raises WordMissing."""
        escaped = {name: _escaped(value) for name, value in values.items()}
        return Markup(self._template(key, values).format(**escaped))

    def plain(self, key: str, **values: object) -> str:
        """The sentence for where no HTML is read: button labels and toasts. Raises WordMissing."""
        return self._template(key, values).format(**values)

    def has(self, key: str) -> bool:
        """Whether there are words for this key."""
        return self._translations.gettext(key) != key or key in self._plurals

    def _template(self, key: str, values: dict[str, object]) -> str:
        if key in self._plurals:
            return self._translations.ngettext(key, key, int(str(values["count"])))
        text = self._translations.gettext(key)
        if text == key:
            raise WordMissing(key)
        return text


@cache
def catalogue(language: str) -> Catalog:
    """All topics of a language in one catalogue."""
    whole = Catalog(locale=language)
    for path in sorted((FOLDER / language).glob("*.po")):
        with path.open("rb") as file:
            for message in read_po(file, locale=language, abort_invalid=True):
                if message.id:
                    whole[message.id if isinstance(message.id, str) else message.id[0]] = message
    return whole


@cache
def _compiled(language: str) -> tuple[gettext.GNUTranslations, frozenset[str]]:
    whole, binary = catalogue(language), BytesIO()
    write_mo(binary, whole)
    binary.seek(0)
    plurals = frozenset(message.id[0] for message in whole if message.id and not isinstance(message.id, str))
    return gettext.GNUTranslations(binary), plurals


def _escaped(value: object) -> object:
    if isinstance(value, str) and not isinstance(value, Markup):
        return html.escape(value, quote=False)
    return value
