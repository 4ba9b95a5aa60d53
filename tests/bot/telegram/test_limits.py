"""What is too long is made to fit, and nothing else is touched."""

from __future__ import annotations

import html

from hypothesis import given
from hypothesis import strategies as st

from bot.rules.lengths import units
from bot.telegram.limits import within


def test_what_fits_stays_as_it_is() -> None:
    text = "<b>Bold &amp; brave</b>"
    assert within(text, 12) is text


@given(st.text(max_size=300), st.integers(min_value=2, max_value=100))
def test_whatever_is_written_fits_afterwards_and_is_still_html(text: str, limit: int) -> None:
    found = within(f"<i>{html.escape(text)}</i>", limit)
    plain = html.unescape(found.removeprefix("<i>").removesuffix("</i>"))
    assert units(plain) <= limit


def test_an_emoji_counts_as_telegram_counts_it() -> None:
    assert units("🙂") == 2
    assert within("🙂" * 10, 20) == "🙂" * 10
    assert within("🙂" * 10, 19) == "🙂" * 9 + "…"
