"""What Telegram refuses in a keyboard beyond its types. Knows buttons, not messages."""

from __future__ import annotations

from typing import Any

from rehearsal.entities import units
from rehearsal.refusals import bad_request

MAX_DATA_BYTES = 64  # Bot API: callback_data
MAX_COPY = 256  # Bot API: CopyTextButton, in UTF-16 units
MAX_BUTTONS = 100  # undocumented, in PTB's constants
MAX_IN_ROW = 8  # undocumented, in PTB's constants
STYLES = {"danger", "success", "primary"}
ACTIONS = {
    "url", "callback_data", "web_app", "login_url", "switch_inline_query", "switch_inline_query_current_chat",
    "switch_inline_query_chosen_chat", "copy_text", "callback_game", "pay",
}  # fmt: skip


def check_markup(markup: dict[str, Any] | None) -> dict[str, Any] | None:
    """The markup as it is stored; an empty keyboard is no keyboard. Raises Refusal."""
    if not markup or "inline_keyboard" not in markup:
        return markup or None
    rows = [row for row in markup["inline_keyboard"] if row]
    if sum(map(len, rows)) > MAX_BUTTONS or any(len(row) > MAX_IN_ROW for row in rows):
        raise bad_request("REPLY_MARKUP_TOO_LONG")
    for row in rows:
        for button in row:
            check_button(button)
    return {"inline_keyboard": rows} if rows else None


def check_button(button: dict[str, Any]) -> None:
    """Raises Refusal for a button that Telegram would not show."""
    if not button["text"].strip():
        raise bad_request("can't parse inline keyboard button: text must be non-empty")
    if len(ACTIONS & set(button)) != 1:
        raise bad_request("can't parse inline keyboard button: text buttons are not allowed in the inline keyboard")
    if "callback_data" in button and not 1 <= len(button["callback_data"].encode()) <= MAX_DATA_BYTES:
        raise bad_request("BUTTON_DATA_INVALID")
    if "url" in button and not button["url"].startswith(("http://", "https://", "tg://")):
        raise bad_request("BUTTON_URL_INVALID")
    if "copy_text" in button and not 1 <= units(button["copy_text"].get("text", "")) <= MAX_COPY:
        raise bad_request("BUTTON_COPY_TEXT_INVALID")
    if button.get("style") not in (None, *STYLES):
        raise bad_request("BUTTON_STYLE_INVALID")
