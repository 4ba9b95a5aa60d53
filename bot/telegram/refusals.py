"""What an error of a Bot API call means: a table of method × code × description, and the one function that reads it.

Facts are from the Bot API server's own sources, tdlib/telegram-bot-api 10.0 (Client.cpp: fail_query_with_error, the
closing, conflict and flood errors, check_chat, check_message; ClientManager.cpp and HttpConnection.cpp for what is said
before a bot is known) and from tdlib/td (MessagesManager, MessageContent, MessageEntity, ReplyMarkup, FileManager);
names in capitals come from Telegram's servers and pass through unchanged. A 403 whose text is such a name is turned
into a 400 there, and 404 of Telegram becomes 400, so that 401, 404 and 421 are always about the token or the method.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, replace
from enum import StrEnum
from fnmatch import fnmatchcase
from http import HTTPStatus
from typing import Any

import httpx
from telegram.error import BadRequest

LONGEST_WAIT_SECONDS = 24 * 3600.0  # whoever asks for more is asked again after a day
CAPITALS = re.compile(r"[A-Z][A-Z0-9_]{2,63}")
WAIT = re.compile(r"(?:retry after|wait_|wait of) ?(\d+)")
NEVER_LEFT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.UnsupportedProtocol)


class Meaning(StrEnum):
    """What an error says of the future."""

    DONE = "done"  # it already is as it was meant to be
    PASSING = "passing"  # the same call may go through later
    MESSAGE = "message"  # this message will never be taken as it is
    CHAT = "chat"  # nothing is taken in this chat until the person comes back
    OURS = "ours"  # the token or the method: nothing is wrong with the message


class Part(StrEnum):
    """Which part of a message is refused."""

    WHOLE = "whole"  # nobody says
    PLACE = "place"  # the message that was to be edited
    UPLOAD = "upload"  # the id of an earlier upload
    MEDIA = "media"
    WORDS = "words"
    BUTTONS = "buttons"


class Refused(BadRequest):
    """A call was answered, but not with a result. Of this library's classes only the name is used: `verdict` decides.

    `by_telegram` is False for the answer of a proxy. The description may quote the message and goes into no log.
    """

    def __init__(self, method: str, code: int, description: str, parameters: dict[str, Any], by_telegram: bool) -> None:
        super().__init__(description or f"{code}")
        self.method, self.code, self.description = method, code, description
        self.parameters, self.by_telegram = parameters, by_telegram


@dataclass(frozen=True)
class Verdict:
    """What to make of an error. `label` names it without a word of anybody's message."""

    meaning: Meaning
    part: Part = Part.WHOLE
    label: str = ""
    method: str = ""
    code: int = 0
    wait_seconds: float | None = None  # as Telegram asks
    moved_to: int | None = None  # the supergroup that the group became
    may_have_arrived: bool = False


DONE, PASSING, MESSAGE, CHAT, OURS = Meaning
WHOLE, PLACE, UPLOAD, MEDIA, WORDS, BUTTONS = Part

# Methods, code, what the description holds in small letters, and what it means; the first that fits decides.
TABLE: tuple[tuple[str, int, str, Meaning, Part], ...] = (
    ("answerCallbackQuery", 400, r"too.?long|utf-8", MESSAGE, WORDS),
    ("answerCallbackQuery", 400, r"", DONE, WHOLE),  # too old, or answered before a restart
    ("delete*", 400, r"not found|can't be deleted|message_id_invalid", DONE, PLACE),
    ("*", 400, r"not.?modified|already pinned|chat_not_modified", DONE, WHOLE),
    ("*", 400, r"upgraded to a supergroup", CHAT, WHOLE),
    # the chat
    ("*", 400, r"chat not found|user not found|(?:peer|chat)_id_invalid|channel_(?:invalid|private)", CHAT, WHOLE),
    ("*", 400, r"user_is_blocked|you_blocked_user|user_is_bot|user_deactivated|input_user_deactivated", CHAT, WHOLE),
    ("*", 400, r"blocked by the user|user is deactivated|chat is deactivated|chat was deactivated", CHAT, WHOLE),
    ("*", 400, r"group chat was deleted|was kicked|is not a member|can't initiate conversation", CHAT, WHOLE),
    ("*", 400, r"can't access the chat|chat is not accessible|no (?:write )?access to the", CHAT, WHOLE),
    ("*", 400, r"chat_send_(?:media|photos|docs|gifs|videos)_forbidden", MESSAGE, MEDIA),
    ("*", 400, r"not enough rights to send (?!text)\w+", MESSAGE, MEDIA),
    ("*", 400, r"chat_(?:write|send_plain)_forbidden|chat_restricted|chat_admin_required|chat_guest_send", CHAT, WHOLE),
    ("*", 400, r"no rights to send|need administrator|not enough rights to send text|user_banned_in", CHAT, WHOLE),
    ("*", 400, r"user_privacy_restricted|privacy_premium_required|premium_account_required|allow_payment", CHAT, WHOLE),
    ("*", 400, r"topic_closed|topic_deleted|message thread not found", CHAT, WHOLE),
    # the message that was to be edited
    ("edit*", 400, r"message to edit not found|message can't be edited", MESSAGE, PLACE),
    ("edit*", 400, r"message not found|message_not_found", MESSAGE, PLACE),
    ("edit*", 400, r"message_id_invalid|message_author_required", MESSAGE, PLACE),
    ("edit*", 400, r"message_edit_time_expired|media_prev_invalid", MESSAGE, PLACE),
    ("edit*", 400, r"there is no (?:text|caption|media) in the message", MESSAGE, PLACE),
    ("edit*", 400, r"message_empty|wrong message identifier", MESSAGE, PLACE),
    ("edit*", 400, r"message has wrong type|invalid message identifier|message is too old", MESSAGE, PLACE),
    ("*", 400, r"message to be replied not found|reply_message_id_invalid", MESSAGE, PLACE),
    # an earlier upload
    ("*", 400, r"wrong (?:remote )?file.?identifier|wrong file_id", MESSAGE, UPLOAD),
    ("*", 400, r"invalid file identifier|file_id_invalid", MESSAGE, UPLOAD),
    ("*", 400, r"file_reference_\w+|unknown file identifier", MESSAGE, UPLOAD),
    ("*", 400, r"can't use file of type|type of file mismatch", MESSAGE, UPLOAD),
    # it passes
    ("*", 400, r"(?:flood|slowmode|flood_premium|takeout_init|2fa_confirm)_wait_?\d*|retry after", PASSING, WHOLE),
    ("*", 400, r"file_part_\w*missing|failed to upload file|message send failed|group send failed", PASSING, MEDIA),
    ("*", 400, r"temporarily unavailable|msg_wait_(?:failed|timeout)", PASSING, WHOLE),
    ("*", 400, r"timeout|timed out|request aborted", PASSING, WHOLE),
    ("*", 400, r"rpc_\w+_fail|interdc_\w+|worker_busy\w*|random_id_duplicate|storage_check_failed", PASSING, WHOLE),
    # the token
    ("*", 400, r"logged out|bot has already been closed", OURS, WHOLE),
    # the buttons
    ("*", 400, r"button_\w+|reply_markup_\w+|reply markup", MESSAGE, BUTTONS),
    ("*", 400, r"inline keyboard|inlinekeyboardbutton|keyboard button", MESSAGE, BUTTONS),
    ("*", 400, r"text buttons are unallowed|can't parse keyboard", MESSAGE, BUTTONS),
    ("*", 400, r"can't use .{0,24}button|web app buttons", MESSAGE, BUTTONS),
    # the words
    ("*", 400, r"can't parse entities|can't parse messageentity", MESSAGE, WORDS),
    ("*", 400, r"entit\w+_(?:bounds_invalid|too_long|invalid)", MESSAGE, WORDS),
    ("*", 400, r"(?:message|media_caption|caption|text)_too_long|(?:text|caption|message) is too long", MESSAGE, WORDS),
    ("*", 400, r"text is empty|must be non-empty|message_empty|encoded in utf-8|unsupported start tag", MESSAGE, WORDS),
    ("*", 400, r"parse_mode|text must|bad_html|entity", MESSAGE, WORDS),
    # pictures and files
    ("*", 400, r"image_process_failed|photo_\w+", MESSAGE, MEDIA),
    ("*", 400, r"media_(?:empty|invalid|new_invalid|file_invalid|type_invalid)", MESSAGE, MEDIA),
    ("*", 400, r"media_grouped_invalid|multi_media_too_long|in the album|as an album|group_?media", MESSAGE, MEDIA),
    ("*", 400, r"file_parts?_\w+|file is too big|too big for a photo", MESSAGE, MEDIA),
    ("*", 400, r"file must be|wrong file|file_\w+_invalid", MESSAGE, MEDIA),
    ("*", 400, r"there is no \w+ in the request|can't be sent as|must be uploaded|invalid input media", MESSAGE, MEDIA),
    ("*", 400, r"webpage_\w+|wrong http url|http url content|wrong type of the web page|dimensions", MESSAGE, MEDIA),
    ("*", 400, r"can't parse|object expected|expected an|is not specified|is empty|must be an? ", MESSAGE, WHOLE),
)  # fmt: skip

# What a code means where no line fits. A proxy's answer speaks of the way and not of the chat or the token.
BY_CODE: dict[int, tuple[Meaning, Part]] = {
    401: (OURS, WHOLE), 404: (OURS, WHOLE), 405: (OURS, WHOLE), 421: (OURS, WHOLE),
    403: (CHAT, WHOLE), 406: (MESSAGE, WHOLE), 410: (CHAT, WHOLE), 415: (MESSAGE, MEDIA), 422: (MESSAGE, WHOLE),
    400: (MESSAGE, WHOLE), 402: (MESSAGE, WHOLE), 411: (MESSAGE, WHOLE), 451: (CHAT, WHOLE),
}  # fmt: skip
TOO_LARGE = {413: (MESSAGE, MEDIA), 414: (MESSAGE, WORDS), 431: (MESSAGE, WORDS)}  # also where a proxy says so


def verdict(error: Exception) -> Verdict:
    """What this error of a call means. Anything that is no answer at all may pass."""
    if not isinstance(error, Refused):
        left = not isinstance(error.__cause__, NEVER_LEFT)
        return Verdict(PASSING, label=type(error.__cause__ or error).__name__, may_have_arrived=left)
    meaning, part, words = _look_up(error)
    phrase = error.description.removeprefix("Bad Request: ")
    label = phrase if CAPITALS.fullmatch(phrase) else words or _phrase(error.code)
    found = Verdict(meaning, part, label, error.method, error.code)
    if moved := _whole(error.parameters.get("migrate_to_chat_id")):
        return replace(found, meaning=CHAT, moved_to=moved)
    if error.code in (420, 429) or (meaning is PASSING and error.code < 500):
        return replace(found, wait_seconds=_wait(error))
    is_uncertain = error.code >= 500 or error.code < 400
    return replace(found, may_have_arrived=meaning is PASSING and is_uncertain)


def _look_up(error: Refused) -> tuple[Meaning, Part, str]:
    if error.code in TOO_LARGE:
        return (*TOO_LARGE[error.code], "")
    if not error.by_telegram:
        return PASSING, WHOLE, "not in Telegram's words"
    text = error.description.lower()
    for methods, code, words, meaning, part in TABLE:
        if code == error.code and fnmatchcase(error.method, methods) and (found := re.search(words, text)):
            return meaning, part, found.group(0)
    return (*BY_CODE.get(error.code, (PASSING, WHOLE)), "")


def _wait(error: Refused) -> float | None:
    asked = _whole(error.parameters.get("retry_after"))
    if asked is None and (found := WAIT.search(error.description.lower())):
        asked = int(found.group(1))
    return None if asked is None else min(float(max(asked, 0)), LONGEST_WAIT_SECONDS)


def _whole(value: object) -> int | None:
    try:
        return int(value)  # type: ignore[call-overload, no-any-return]
    except (TypeError, ValueError, OverflowError):
        return None


def _phrase(code: int) -> str:
    try:
        return HTTPStatus(code).phrase
    except ValueError:
        return "an unknown code"


def refusal(method: str, status: int, payload: bytes) -> Refused | None:
    """The error in an HTTP answer, or None for a result."""
    if 200 <= status < 300 and payload.startswith(b'{"ok":true'):
        return None
    try:
        body = json.loads(payload)
    except ValueError:
        body = None
    if not isinstance(body, dict) or not isinstance(body.get("ok"), bool):
        return Refused(method, status, "", {}, by_telegram=False)
    if body["ok"] and 200 <= status < 300:
        return None
    code, description, parameters = body.get("error_code"), body.get("description"), body.get("parameters")
    return Refused(
        method,
        code if isinstance(code, int) and 400 <= code < 600 else status,
        description if isinstance(description, str) else "",
        parameters if isinstance(parameters, dict) else {},
        by_telegram=True,
    )
