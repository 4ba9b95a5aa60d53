"""The pages say what the code does: settings, verbs, glossary, sizes."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from pydantic import AliasChoices

from bot.buttons import page
from bot.settings import Settings as BotSettings
from engine.settings import Settings as EngineSettings
from tests.house.drawing import BEGIN, PAGE, drawn_again

ROOT = Path(__file__).resolve().parents[2]


def setting_names() -> set[str]:
    names: set[str] = set()
    for settings in (BotSettings, EngineSettings):
        prefix = str(settings.model_config.get("env_prefix", ""))
        for name, field in settings.model_fields.items():
            aliases = field.validation_alias.choices if isinstance(field.validation_alias, AliasChoices) else ()
            names.add(str(aliases[0] if aliases else prefix + name).upper())
    return names


def test_architecture_names_every_setting_and_no_other() -> None:
    table = re.findall(r"^\| `((?:STYLESEAL|TELEGRAM)_\w+)`", (ROOT / "ARCHITECTURE.md").read_text(), re.MULTILINE)
    assert set(table) == setting_names()


def test_the_page_of_buttons_says_what_the_code_does() -> None:
    assert (ROOT / "docs" / "buttons.md").read_text() == page(), "run: python -m bot.buttons > docs/buttons.md"


def test_the_drawing_of_the_rooms_is_the_one_that_the_imports_make() -> None:
    page = PAGE.read_text()
    assert page == drawn_again(page), "python -m tests.house.drawing"
    assert BEGIN in page


def test_every_code_word_of_the_glossary_exists() -> None:
    rows = re.findall(r"^\| [^|]+ \| [^|]+ \| ([^|]*) \|$", (ROOT / "GLOSSARY.md").read_text(), re.MULTILINE)
    folders = ("storage", "bot", "engine", "rehearsal", "emoji_sd")
    source = "\n".join(p.read_text() for folder in folders for p in (ROOT / folder).rglob("*.py"))
    source += (ROOT / "storage" / "schema.sql").read_text()
    missing = []
    for cell in rows:
        for word in re.findall(r"`([^`]+)`", cell):
            if "/" in word:
                missing += [] if (ROOT / word).exists() else [word]
            elif word.split(".")[-1] not in source:
                missing.append(word)
    assert missing == []


@pytest.mark.parametrize("page", ["ARCHITECTURE.md", "CONTRIBUTING.md", "GLOSSARY.md", "docs/house.md"])
def test_every_path_that_a_page_names_is_there(page: str) -> None:
    named = re.findall(
        r"`((?:bot|engine|storage|rehearsal|emoji_sd|launch|bench|tests|docs|locks)/[^`\s]*)`",
        (ROOT / page).read_text(),
    )
    assert [name for name in named if "<" not in name and not list(ROOT.glob(name.rstrip("/")))] == []
