"""The catalogues: complete, equal in keys and placeholders, natural in plurals, and all that the code asks for."""

from __future__ import annotations

import re
import string
from pathlib import Path

import pytest
from babel.messages.pofile import read_po

from bot.library import library
from bot.words import FOLDER, LANGUAGES, Markup, WordMissing, Words

ROOT = Path(__file__).resolve().parents[3]
CODE = [path for folder in ("steps", "telegram", "admin") for path in (ROOT / "bot" / folder).glob("*.py")]


def messages(language: str) -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for path in sorted((FOLDER / language).glob("*.po")):
        with path.open("rb") as file:
            for message in read_po(file, locale=language, abort_invalid=True):
                if not message.id:
                    continue
                key = message.id if isinstance(message.id, str) else message.id[0]
                assert key not in found, f"{key} stands twice in {language}"
                text = message.string
                found[key] = tuple(text) if isinstance(text, tuple | list) else (text,)
    return found


def placeholders(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_has_the_same_keys(language: str) -> None:
    assert set(messages(language)) == set(messages("en"))


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_sentence_is_empty_and_none_shouts(language: str) -> None:
    for key, forms in messages(language).items():
        for form in forms:
            assert form.strip(), key
            assert "!" not in form, f"{key}: {form}"


@pytest.mark.parametrize("language", ["ru", "ko"])
def test_placeholders_are_those_of_english(language: str) -> None:
    english = {key: set.union(*map(placeholders, forms)) for key, forms in messages("en").items()}
    for key, forms in messages(language).items():
        assert set.union(*map(placeholders, forms)) == english[key], key


@pytest.mark.parametrize("language", ["ru", "ko"])
def test_sentences_are_translated(language: str) -> None:
    english = messages("en")
    same = {key for key, forms in messages(language).items() if forms[0] == english[key][0] and len(forms[0]) > 25}
    assert {
        key for key in same if re.search(r"[A-Za-z]{4}", re.sub(r"<[^>]+>|\{[^}]*\}", "", english[key][0]))
    } == set()


def test_plurals_follow_each_language() -> None:
    russian, korean, english = Words("ru"), Words("ko"), Words("en")
    assert [russian("payload.subjects.set", count=n) for n in (1, 3, 5, 21)] == [
        "Записан 1 сюжет.",
        "Записано 3 сюжета.",
        "Записано 5 сюжетов.",
        "Записан 21 сюжет.",
    ]
    assert korean("payload.subjects.set", count=2) == "대상 2개를 적어 두었습니다."
    assert english("payload.subjects.set", count=1) == "1 subject noted."


def keys_in_code() -> tuple[set[str], set[str]]:
    """Keys named whole, and the beginnings of those put together at run time."""
    whole: set[str] = set()
    beginnings: set[str] = set()
    pattern = re.compile(
        r"(?:words(?:\.plain)?|button|copies|refuses|page|reading_line)\(\s*(?:walk,\s*)?(f?)\"([^\"]+)\""
    )
    for path in CODE:
        for is_template, key in pattern.findall(path.read_text()):
            (beginnings if is_template else whole).add(key.split("{")[0] if is_template else key)
    return whole, beginnings


def test_every_key_the_code_names_is_there() -> None:
    whole, beginnings = keys_in_code()
    known = messages("en")
    assert len(whole) > 100
    assert {key for key in whole if key not in known} == set()
    assert {part for part in beginnings if part and not any(key.startswith(part) for key in known)} == set()


def test_every_look_and_every_meaning_has_its_words() -> None:
    known = messages("en")
    assert {f"look.{look.name}" for look in library().looks} <= set(known)
    assert {f"meaning.{meaning}" for meaning in library().meanings.values()} <= set(known)


def test_what_a_person_wrote_is_escaped_and_what_is_markup_is_not() -> None:
    words = Words("en")
    assert words("quest.delete.ask", name="<b>&") == (
        "Delete <b>&lt;b&gt;&amp;</b> with its pictures, captions and seals? That cannot be undone."
    )
    assert "<i>x</i>" in words("quest.delete.ask", name=Markup("<i>x</i>"))
    assert words.plain("hunt.picked.toast", number="<1>") == "Picked: <1>"


def test_a_missing_key_is_an_error() -> None:
    with pytest.raises(WordMissing):
        Words("en")("no.such.key")


def test_an_unknown_language_speaks_english() -> None:
    assert Words("xx").language == "en"
