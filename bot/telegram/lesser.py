"""What of a message Telegram may still take when it refuses a part of it. Pure: no calls, no store, no words."""

from __future__ import annotations

import html
from collections.abc import Iterable, Sequence
from dataclasses import replace

from bot.screens import Album, Button, CopyButton, Document, Message, Notice, Row, Screen
from bot.taps import MAX_BYTES
from bot.telegram.limits import TAG
from bot.telegram.refusals import Part

SHORTEST = 64  # characters; what is refused at this length is not refused for its length
LONGEST_COPY = 256  # Bot API: CopyTextButton
ORDER = (Part.MEDIA, Part.WORDS, Part.BUTTONS)


def lesser(message: Message, part: Part) -> Message | None:
    """The message with less of the refused part, or of another where there is none; None: nothing else to try."""
    for tried in (part, *ORDER):
        less = _less(message, tried)
        if less is not None and less != message:
            return less
    return None


def _less(message: Message, part: Part) -> Message | None:
    if part is Part.MEDIA:
        return _less_to_see(message)
    if part is Part.WORDS:
        return _less_to_read(message)
    if part is Part.BUTTONS and isinstance(message, Screen):
        return replace(message, rows=fewer(message.rows))
    return None


def _less_to_see(message: Message) -> Message | None:
    if isinstance(message, Album):
        return _fewer_pictures(message)
    if isinstance(message, Screen) and message.picture is not None:
        return replace(message, picture=None, as_file=False) if message.as_file else replace(message, as_file=True)
    return None


def _less_to_read(message: Message) -> Message | None:
    if isinstance(message, Screen | Notice | Document):
        return replace(message, text=simpler(message.text))
    if isinstance(message, Album):
        return replace(message, captions=tuple(simpler(caption) for caption in message.captions))
    return None


def _fewer_pictures(album: Album) -> Message | None:
    """Each on its own, then as a file, then its caption alone."""
    if not album.apart and len(album.pictures) > 1:
        return replace(album, apart=True)
    if not album.as_file:
        return replace(album, apart=True, as_file=True)
    return rest_of(album, lost=True)


def rest_of(album: Album, *, lost: bool = False) -> Album | Notice | None:
    """What is left of an album sent apart after its first picture; captions of lost ones come last, as words."""
    words = (*album.words, *(caption for caption in album.captions[:1] if lost and caption))
    rest = replace(album, pictures=album.pictures[1:], captions=album.captions[1:], as_file=False, words=words)
    if rest.pictures:
        return rest
    return Notice(text="\n".join(words)) if words else None


def simpler(text: str) -> str:
    """Without any markup; where there was none, its first half; at the end as it was."""
    plain = html.unescape(TAG.sub("", text))
    if html.escape(plain, quote=False) != text:
        return html.escape(plain, quote=False)
    if not plain.strip():
        return text and "…"
    half = plain if len(plain) <= SHORTEST else plain[: len(plain) // 2].rstrip() + "…"
    return html.escape(half, quote=False)


def fewer(rows: Sequence[Row]) -> tuple[Row, ...]:
    """Without buttons that no server takes; then without what an old one does not know; then none."""
    allowed = _filled(tuple(button for button in row if _is_allowed(button)) for row in rows)
    if allowed != tuple(rows):
        return allowed
    plain = _filled(tuple(replace(b, look="") for b in row if isinstance(b, Button)) for row in rows)
    return plain if plain != tuple(rows) else ()


def _filled(rows: Iterable[Row]) -> tuple[Row, ...]:
    return tuple(row for row in rows if row)


def _is_allowed(button: Button | CopyButton) -> bool:
    if isinstance(button, CopyButton):
        return bool(button.label.strip()) and 1 <= len(button.copies) <= LONGEST_COPY
    return bool(button.label.strip()) and 1 <= len(button.data.encode()) <= MAX_BYTES
