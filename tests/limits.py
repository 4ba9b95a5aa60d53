"""What Telegram refuses and what a phone cannot show: every message of every story is held against it."""

from __future__ import annotations

import html
import re
from html.parser import HTMLParser

from bot.rules.lengths import units
from bot.screens import Album, Button, CopyButton, Document, Message, Notice, Reply, Screen, Sheet
from bot.taps import Tap

TEXT, CAPTION, TOAST, LABEL, COPY, BUTTONS_A_ROW, BUTTONS = 4096, 1024, 200, 24, 256, 8, 100
LONG_LABELS = frozenset({"quest.open"})  # they carry a name and stand with one short button
ALLOWED_TAGS = frozenset({"b", "i", "u", "s", "code", "pre", "a"})


class Tags(HTMLParser):
    """Refuses what Telegram cannot parse as an entity."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in ALLOWED_TAGS, f"Telegram knows no <{tag}>"
        self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open, f"</{tag}> closes nothing"
        assert self.open.pop() == tag, f"</{tag}> closes another tag"


def visible(text: str) -> str:
    """The text as a person sees it, after the tags are read. Fails on HTML that Telegram would refuse."""
    tags = Tags()
    tags.feed(text)
    tags.close()
    assert not tags.open, f"{tags.open} stay open in {text!r}"
    bare = re.sub(r"<[^>]+>", "", text)
    assert not re.search(r"&(?!amp;|lt;|gt;|quot;)", bare), f"a bare & in {text!r}"
    return html.unescape(bare)


def hold_reply(reply: Reply) -> None:
    """A reply's toast and messages."""
    assert len(reply.toast) <= TOAST, reply.toast
    assert "</" not in reply.toast, f"a toast reads no HTML: {reply.toast}"
    for message in reply.messages:
        hold(message)


def hold(message: Message) -> None:
    """One message."""
    if isinstance(message, Screen):
        most = CAPTION if message.picture else TEXT
        seen = visible(message.text)
        assert 0 < len(seen) <= most, f"{len(seen)} characters: {seen[:80]}"
        assert "{" not in re.sub(r"\{[^{}]*\|[^{}]*\}", "", seen), f"a placeholder was left: {seen}"
        _hold_rows(message)
        if isinstance(message.picture, Sheet):
            assert message.picture.cells
            assert 1 <= message.picture.columns <= 12
    elif isinstance(message, Notice):
        assert 0 < len(visible(message.text)) <= TEXT
    elif isinstance(message, Document):
        assert len(visible(message.text)) <= CAPTION
        assert "/" not in message.filename
    elif isinstance(message, Album):
        assert 1 <= len(message.pictures) <= 10


def _hold_rows(screen: Screen) -> None:
    assert sum(map(len, screen.rows)) <= BUTTONS
    for row in screen.rows:
        assert 1 <= len(row) <= BUTTONS_A_ROW, f"a row of {len(row)}"
        for button in row:
            if isinstance(button, CopyButton):
                assert 1 <= units(button.copies) <= COPY
            else:
                _hold_button(button)


def _hold_button(button: Button) -> None:
    assert len(button.data.encode()) <= 64
    tap = Tap.read(button.data)
    most = LABEL + 10 if tap.verb in LONG_LABELS else LABEL
    assert 0 < len(button.label) <= most, f"{button.label!r} has {len(button.label)} characters"
    assert "</" not in button.label, "a label reads no HTML"
