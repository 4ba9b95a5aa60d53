"""The request schema against the machine-readable Bot API, and Telegram's HTML against its rules."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as some

from rehearsal import schema
from rehearsal.entities import page_html, read_html, units
from rehearsal.methods import METHODS

# Parameters by PaulSonOfLars/telegram-bot-api-spec (MIT, 16 May 2026) of the methods that the rehearsal serves.
SPEC = json.loads(Path(__file__).with_name("bot_api_10_0.json").read_text())


@pytest.mark.parametrize("method", METHODS)
def test_a_method_takes_exactly_the_parameters_of_bot_api_10(method: str) -> None:
    assert set(schema.of_method(method)) == set(SPEC[method])


def test_entities_count_in_utf_16_and_nest() -> None:
    text, entities = read_html("😀<b>a<i>b</i></b> <pre><code class='language-py'>x</code></pre>")
    assert text == "😀ab x"
    assert entities == [
        {"type": "bold", "offset": 2, "length": 2},
        {"type": "italic", "offset": 3, "length": 1},
        {"type": "pre", "language": "py", "offset": 5, "length": 1},
    ]


@given(some.text(alphabet="<>&\"'a b/", max_size=40))
def test_what_people_write_never_becomes_a_tag_of_the_page(text: str) -> None:
    shown = page_html(text, [{"type": "bold", "offset": 0, "length": units(text)}] if text else [])
    assert "<" not in shown.removeprefix("<b>").removesuffix("</b>")


def test_a_link_that_would_run_code_leads_nowhere() -> None:
    text, entities = read_html('<a href="javascript:alert(1)">tap</a>')
    assert "javascript" not in page_html(text, entities)
