"""What several methods share about words, keyboards and replies: lengths after parsing, targets, stored form."""

from __future__ import annotations

from typing import Any

from rehearsal.entities import read_html, trimmed, units, with_found
from rehearsal.markup import check_markup
from rehearsal.records import Chat
from rehearsal.refusals import bad_request
from rehearsal.world import World

MAX_TEXT = 4096  # Bot API, after parsing
MAX_CAPTION = 1024  # Bot API, after parsing
MAX_RAW_BYTES = 32_768  # the real server refuses longer ones before parsing


def words(arguments: dict[str, Any], name: str = "text") -> tuple[str, list[dict[str, Any]]]:
    """Plain text and entities of `text` or `caption`. Raises Refusal for broken tags and lengths."""
    source = arguments.get(name) or ""
    if len(source.encode()) > MAX_RAW_BYTES:
        raise bad_request("text is too long" if name == "text" else "message caption is too long")
    mode = (arguments.get("parse_mode") or "").lower()
    given = arguments.get("entities" if name == "text" else "caption_entities") or []
    if mode == "html":
        text, entities = read_html(source)
    elif mode:
        raise bad_request("unsupported parse_mode")  # the rehearsal speaks HTML only
    else:
        text, entities = trimmed(source, given)
    if name == "text" and not text:
        raise bad_request("message text is empty")
    if units(text) > (MAX_TEXT if name == "text" else MAX_CAPTION):
        raise bad_request("message is too long" if name == "text" else "message caption is too long")
    return text, with_found(text, entities)


def markup_of(arguments: dict[str, Any]) -> dict[str, Any] | None:
    """The checked keyboard of a call."""
    return check_markup(arguments.get("reply_markup"))


def reply_target(world: World, chat: Chat, arguments: dict[str, Any]) -> int | None:
    """The message that is replied to. Raises Refusal when it is gone."""
    parameters = arguments.get("reply_parameters")
    if not parameters:
        return None
    message_id = int(parameters["message_id"])
    if world.find(chat.id, message_id):
        return message_id
    if parameters.get("allow_sending_without_reply"):
        return None
    raise bad_request("message to be replied not found")
