"""Telegram's HTML: text and entities out of it, and the page's HTML back. Offsets are UTF-16 units, as on the wire."""

from __future__ import annotations

import html
import re
from dataclasses import dataclass, field
from typing import Any

from rehearsal.refusals import Refusal, bad_request

SIMPLE_TAGS = {
    "b": "bold", "strong": "bold", "i": "italic", "em": "italic", "u": "underline", "ins": "underline",
    "s": "strikethrough", "strike": "strikethrough", "del": "strikethrough", "tg-spoiler": "spoiler",
    "code": "code", "pre": "pre", "blockquote": "blockquote",
}  # fmt: skip
TAGS_WITH_ATTRIBUTES = {"a", "span", "tg-emoji"}
PAGE_TAGS = {
    "bold": "b", "italic": "i", "underline": "u", "strikethrough": "s", "code": "code", "pre": "pre",
    "blockquote": "blockquote", "expandable_blockquote": "blockquote",
}  # fmt: skip
REFERENCE = re.compile(r"&(?:(lt|gt|amp|quot)|#(\d+)|#[xX]([0-9a-fA-F]+));")
ATTRIBUTE = re.compile(r"""([\w-]+)(?:\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'>]+)))?""")
FOUND_BY_ITSELF = re.compile(
    r"(?P<url>https?://[^\s<>\"]+[^\s<>\".,;:!?)])|(?<![\w/])(?P<bot_command>/[A-Za-z0-9_]{1,32}(?:@\w+)?)"
    r"|(?<!\w)(?P<mention>@[A-Za-z]\w{3,31})"
)


def units(text: str) -> int:
    """Length in UTF-16 units."""
    return len(text.encode("utf-16-le")) // 2


@dataclass
class OpenTag:
    """A tag that waits for its end."""

    name: str
    entity: dict[str, Any]
    begins: int  # UTF-16 offset


@dataclass
class Reading:
    """Where the parser of one text stands."""

    source: str
    place: int = 0
    plain: list[str] = field(default_factory=list)
    length: int = 0  # UTF-16 units so far
    opened: list[OpenTag] = field(default_factory=list)
    entities: list[dict[str, Any]] = field(default_factory=list)

    @property
    def byte(self) -> int:
        """The byte offset that Telegram names in its errors."""
        return len(self.source[: self.place].encode())

    def add(self, text: str) -> None:
        """Appends plain text."""
        self.plain.append(text)
        self.length += units(text)


def cannot_parse(why: str) -> Refusal:
    """The refusal of a text with broken tags."""
    return bad_request(f"can't parse entities: {why}")


def read_html(source: str) -> tuple[str, list[dict[str, Any]]]:
    """Plain text and entities of Telegram HTML. Raises Refusal in Telegram's words."""
    reading = Reading(source)
    while reading.place < len(source):
        sign = source[reading.place]
        if sign == "<":
            read_tag(reading)
        elif sign == "&" and (match := REFERENCE.match(source, reading.place)):
            reading.add(html.unescape(match.group()))
            reading.place = match.end()
        else:
            reading.add(sign)
            reading.place += 1
    if reading.opened:
        raise cannot_parse(f'Can\'t find end tag corresponding to start tag "{reading.opened[-1].name}"')
    reading.entities.sort(key=lambda entity: (entity["offset"], -entity["length"]))
    return trimmed("".join(reading.plain), reading.entities)


def read_tag(reading: Reading) -> None:
    """One `<…>`."""
    end = reading.source.find(">", reading.place)
    if end < 0:
        raise cannot_parse(f"Unclosed start tag at byte offset {reading.byte}")
    inside = reading.source[reading.place + 1 : end]
    if inside.startswith("/"):
        close_tag(reading, inside[1:].strip().lower())
    else:
        open_tag(reading, inside)
    reading.place = end + 1


def open_tag(reading: Reading, inside: str) -> None:
    """Remembers a start tag."""
    name, _, rest = inside.partition(" ")
    name = name.strip().lower()
    if name not in SIMPLE_TAGS and name not in TAGS_WITH_ATTRIBUTES:
        raise cannot_parse(f'Unsupported start tag "{name}" at byte offset {reading.byte}')
    found = {m[1].lower(): html.unescape(m[2] or m[3] or m[4] or "") for m in ATTRIBUTE.finditer(rest)}
    reading.opened.append(OpenTag(name, entity_of(name, found, reading), reading.length))


def entity_of(name: str, attributes: dict[str, str], reading: Reading) -> dict[str, Any]:
    """What a start tag stands for."""
    if name == "a":
        return {"type": "text_link", "url": attributes.get("href", "")}
    if name == "tg-emoji":
        return {"type": "custom_emoji", "custom_emoji_id": attributes.get("emoji-id", "")}
    if name == "span":
        if attributes.get("class") != "tg-spoiler":
            raise cannot_parse(f'Tag "span" must have class "tg-spoiler" at byte offset {reading.byte}')
        return {"type": "spoiler"}
    if name == "blockquote" and "expandable" in attributes:
        return {"type": "expandable_blockquote"}
    entity = {"type": SIMPLE_TAGS[name]}
    if name == "code" and attributes.get("class", "").startswith("language-"):
        entity["language"] = attributes["class"].removeprefix("language-")
    return entity


def close_tag(reading: Reading, name: str) -> None:
    """Ends the innermost tag."""
    if not reading.opened:
        raise cannot_parse(f"Unexpected end tag at byte offset {reading.byte}")
    tag = reading.opened.pop()
    if name not in ("", tag.name):
        raise cannot_parse(
            f'Unmatched end tag at byte offset {reading.byte}, expected "</{tag.name}>", found "</{name}>"'
        )
    length = reading.length - tag.begins
    if length == 0 or (tag.entity["type"] == "text_link" and not tag.entity["url"]):
        return  # an empty entity is dropped in silence
    language = tag.entity.pop("language", None) if tag.name == "code" else None
    if language and reading.opened and reading.opened[-1].name == "pre":
        reading.opened[-1].entity["language"] = language
        return
    reading.entities.append({**tag.entity, "offset": tag.begins, "length": length})


def trimmed(text: str, entities: list[dict[str, Any]]) -> tuple[str, list[dict[str, Any]]]:
    """Without white space at both ends, as the server stores it; the entities move along."""
    start = units(text) - units(text.lstrip())
    kept = text.strip()
    length = units(kept)
    result = []
    for entity in entities:
        begins = max(0, entity["offset"] - start)
        ends = min(length, entity["offset"] + entity["length"] - start)
        if ends > begins:
            result.append({**entity, "offset": begins, "length": ends - begins})
    return kept, result


def with_found(text: str, entities: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The entities plus commands, links and mentions that Telegram finds by itself outside of them."""
    found = []
    for match in FOUND_BY_ITSELF.finditer(text):
        offset, length = units(text[: match.start()]), units(match.group())
        if any(e["offset"] < offset + length and offset < e["offset"] + e["length"] for e in entities
               if e["type"] in ("code", "pre", "text_link")):  # fmt: skip
            continue
        found.append({"type": match.lastgroup, "offset": offset, "length": length})
    return sorted([*entities, *found], key=lambda entity: (entity["offset"], -entity["length"]))


def page_html(text: str, entities: list[dict[str, Any]]) -> str:
    """Safe HTML for the page; everything that is not an entity is escaped."""
    coded = text.encode("utf-16-le")
    marks: dict[int, tuple[list[str], list[str]]] = {}
    for entity in entities:
        opening, closing = page_tags(entity, coded)
        begins, ends = entity["offset"], entity["offset"] + entity["length"]
        marks.setdefault(begins, ([], []))[0].append(opening)
        marks.setdefault(ends, ([], []))[1].insert(0, closing)
    parts: list[str] = []
    places = sorted({0, len(coded) // 2, *marks})
    for here, after in zip(places, [*places[1:], places[-1]], strict=True):
        openings, closings = marks.get(here, ([], []))
        parts += [*closings, *openings, html.escape(coded[2 * here : 2 * after].decode("utf-16-le"))]
    return "".join(parts)


def page_tags(entity: dict[str, Any], coded: bytes) -> tuple[str, str]:
    """The tags around one entity."""
    kind = entity["type"]
    inside = coded[2 * entity["offset"] : 2 * (entity["offset"] + entity["length"])].decode("utf-16-le")
    if kind in PAGE_TAGS:
        return f"<{PAGE_TAGS[kind]}>", f"</{PAGE_TAGS[kind]}>"
    if kind == "spoiler":
        return '<span class="spoiler" tabindex="0">', "</span>"
    if kind in ("text_link", "url"):
        url = html.escape(entity.get("url") or inside)
        safe = url if url.startswith(("http://", "https://", "tg://")) else "#"
        return f'<a href="{safe}" target="_blank" rel="noreferrer noopener">', "</a>"
    if kind == "bot_command":
        return f'<button type="button" class="command" data-command="{html.escape(inside)}">', "</button>"
    return "<span>", "</span>"
