"""What Telegram, or somebody before it, answers instead of a result is judged by method, code and description."""

from __future__ import annotations

import json

import httpx
import pytest
from telegram.error import NetworkError, TimedOut

from bot.screens import Album, Button, CopyButton, Document, Message, Notice, Screen, Shown
from bot.telegram.lesser import lesser
from bot.telegram.refusals import Meaning, Part, Refused, refusal, verdict
from storage.records import ContentHash

FILE = ContentHash("0" * 64)


def answered(method: str, code: int, description: str | None, **parameters: object) -> Refused:
    """The error that such an answer becomes."""
    body: dict[str, object] = {"ok": False, "error_code": code}
    if description is not None:
        body["description"] = description
    found = refusal(method, code, json.dumps({**body, "parameters": parameters}).encode())
    assert found is not None
    return found


SAID = [
    ("sendPhoto", 400, "Bad Request: IMAGE_PROCESS_FAILED", Meaning.MESSAGE, Part.MEDIA),
    ("sendPhoto", 400, "Bad Request: PHOTO_INVALID_DIMENSIONS", Meaning.MESSAGE, Part.MEDIA),
    ("sendMediaGroup", 400, "Bad Request: MEDIA_GROUPED_INVALID", Meaning.MESSAGE, Part.MEDIA),
    ("sendDocument", 413, "Request Entity Too Large", Meaning.MESSAGE, Part.MEDIA),
    ("sendPhoto", 400, "Bad Request: not enough rights to send photos to the chat", Meaning.MESSAGE, Part.MEDIA),
    ("sendPhoto", 400, "Bad Request: wrong file identifier/HTTP URL specified", Meaning.MESSAGE, Part.UPLOAD),
    ("sendPhoto", 400, "Bad Request: FILE_REFERENCE_EXPIRED", Meaning.MESSAGE, Part.UPLOAD),
    ("sendMessage", 400, "Bad Request: can't parse entities: unexpected", Meaning.MESSAGE, Part.WORDS),
    ("sendMessage", 400, "Bad Request: message is too long", Meaning.MESSAGE, Part.WORDS),
    ("editMessageCaption", 400, "Bad Request: MEDIA_CAPTION_TOO_LONG", Meaning.MESSAGE, Part.WORDS),
    ("sendMessage", 400, "Bad Request: BUTTON_DATA_INVALID", Meaning.MESSAGE, Part.BUTTONS),
    ("sendMessage", 400, "Bad Request: reply markup is too long", Meaning.MESSAGE, Part.BUTTONS),
    ("editMessageText", 400, "Bad Request: message to edit not found", Meaning.MESSAGE, Part.PLACE),
    ("editMessageText", 400, "Bad Request: message can't be edited", Meaning.MESSAGE, Part.PLACE),
    ("editMessageCaption", 400, "Bad Request: there is no caption in the message to edit", Meaning.MESSAGE, Part.PLACE),
    ("editMessageText", 400, "Bad Request: message is not modified: specified new …", Meaning.DONE, Part.WHOLE),
    ("answerCallbackQuery", 400, "Bad Request: query is too old", Meaning.DONE, Part.WHOLE),
    ("deleteMessage", 400, "Bad Request: message to delete not found", Meaning.DONE, Part.PLACE),
    ("sendMessage", 400, "Bad Request: chat not found", Meaning.CHAT, Part.WHOLE),
    ("sendMessage", 400, "Bad Request: PEER_ID_INVALID", Meaning.CHAT, Part.WHOLE),
    ("sendMessage", 400, "Bad Request: CHAT_WRITE_FORBIDDEN", Meaning.CHAT, Part.WHOLE),
    ("sendMessage", 403, "Forbidden: bot was blocked by the user", Meaning.CHAT, Part.WHOLE),
    ("sendMessage", 403, "Forbidden: user is deactivated", Meaning.CHAT, Part.WHOLE),
    ("sendMessage", 403, None, Meaning.CHAT, Part.WHOLE),
    ("sendMessage", 401, "Unauthorized", Meaning.OURS, Part.WHOLE),
    ("sendMediaGroup", 404, "Not Found: method not found", Meaning.OURS, Part.WHOLE),
    ("sendMessage", 400, "Bad Request: SOMETHING_NEW", Meaning.MESSAGE, Part.WHOLE),
    ("sendMessage", 409, "Conflict", Meaning.PASSING, Part.WHOLE),
    ("sendMessage", 500, "Internal Server Error", Meaning.PASSING, Part.WHOLE),
    ("sendMessage", 502, None, Meaning.PASSING, Part.WHOLE),
]  # fmt: skip


@pytest.mark.parametrize(("method", "code", "description", "meaning", "part"), SAID)
def test_an_error_means_what_the_server_says(
    method: str, code: int, description: str | None, meaning: Meaning, part: Part
) -> None:
    found = verdict(answered(method, code, description))
    assert (found.meaning, found.part) == (meaning, part)


@pytest.mark.parametrize("code", [200, 302, 400, 401, 403, 404, 429, 502, 503])
@pytest.mark.parametrize("payload", [b"<html>Sign in</html>", b"", b"[]", b"null", b'{"error": 1}', b"\xff"])
def test_the_answer_of_a_proxy_closes_no_chat_and_accuses_no_token(code: int, payload: bytes) -> None:
    error = refusal("sendMessage", code, payload)
    assert error is not None
    assert verdict(error).meaning is Meaning.PASSING


def test_a_proxy_that_takes_no_large_bodies_is_believed() -> None:
    error = refusal("sendDocument", 413, b"<html>413 Request Entity Too Large</html>")
    assert error is not None
    assert (verdict(error).meaning, verdict(error).part) == (Meaning.MESSAGE, Part.MEDIA)


@pytest.mark.parametrize(
    ("code", "description", "parameters", "seconds"),
    [
        (429, "Too Many Requests: retry after 37", {"retry_after": 37}, 37.0),
        (429, "Too Many Requests: retry after 5", {}, 5.0),
        (420, "FLOOD_WAIT_12", {}, 12.0),
        (400, "Bad Request: SLOWMODE_WAIT_30", {}, 30.0),
        (429, "Too Many Requests", {"retry_after": "x"}, None),
        (429, "Too Many Requests", {"retry_after": 10**12}, 24 * 3600.0),
    ],
)
def test_a_wait_is_as_long_as_telegram_asks(
    code: int, description: str, parameters: dict[str, object], seconds: float | None
) -> None:
    found = verdict(answered("sendMessage", code, description, **parameters))
    assert (found.meaning, found.wait_seconds) == (Meaning.PASSING, seconds)


def test_a_group_that_moved_says_where() -> None:
    error = answered(
        "sendMessage", 400, "Bad Request: group chat was upgraded to a supergroup chat", migrate_to_chat_id=-7
    )
    assert verdict(error).moved_to == -7


@pytest.mark.parametrize("cause", [httpx.ConnectError("no"), httpx.ConnectTimeout("no"), httpx.PoolTimeout("no")])
def test_what_never_left_cannot_have_arrived(cause: Exception) -> None:
    error = TimedOut()
    error.__cause__ = cause
    assert not verdict(error).may_have_arrived


@pytest.mark.parametrize("cause", [httpx.ReadTimeout("no"), httpx.ReadError("no"), httpx.RemoteProtocolError("no")])
def test_what_was_cut_off_may_have_arrived(cause: Exception) -> None:
    error = NetworkError("cut off")
    error.__cause__ = cause
    assert verdict(error).may_have_arrived


def test_a_label_quotes_nobody() -> None:
    error = answered("sendMessage", 400, 'Bad Request: can\'t parse entities: Unsupported start tag "my secret"')
    assert verdict(error).label == "can't parse entities"


MESSAGES: list[Message] = [
    Screen(
        text="<b>which</b> one?",
        picture=Shown(file=FILE),
        rows=((Button(label="Go", data="nav.home:0", look="primary"), CopyButton(label="Copy", copies="x")),),
    ),
    Album(pictures=(Shown(file=FILE),) * 3, captions=("1", "<b>2</b>", "3")),
    Notice(text="<b>" + "x" * 5000 + "</b>"),
    Document(file=FILE, filename="a.safetensors", text="<i>LoRA</i>"),
]


@pytest.mark.parametrize("message", MESSAGES, ids=lambda message: message.type)
@pytest.mark.parametrize("part", Part)
def test_giving_way_ends_and_never_offers_the_same_twice(message: Message, part: Part) -> None:
    seen: list[Message] = []
    found: Message | None = message
    while found is not None:
        assert found not in seen
        seen.append(found)
        found = lesser(found, part)
    assert len(seen) < 30


def test_words_outlive_their_picture_and_their_buttons() -> None:
    shapes = [MESSAGES[0]]
    while (less := lesser(shapes[-1], Part.MEDIA)) is not None:
        shapes.append(less)
    screens = [shape for shape in shapes if isinstance(shape, Screen)]
    assert [(bool(s.picture), s.as_file) for s in screens[:3]] == [(True, False), (True, True), (False, False)]
    assert screens[2].rows, "the buttons stay as long as only the picture is refused"
    assert all("one?" in screen.text for screen in screens)


def test_only_the_offending_button_goes() -> None:
    good, bad = Button(label="Go", data="nav.home:0"), CopyButton(label="Copy", copies="x" * 257)
    screen = Screen(text="a", rows=((good, bad), (bad,)))
    less = lesser(screen, Part.BUTTONS)
    assert isinstance(less, Screen)
    assert less.rows == ((good,),)
