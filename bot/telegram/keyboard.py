"""Rows of buttons as Telegram's inline keyboard."""

from __future__ import annotations

from collections.abc import Sequence

from telegram import CopyTextButton, InlineKeyboardButton, InlineKeyboardMarkup

from bot.screens import Button, CopyButton, Row


def keyboard(rows: Sequence[Row]) -> InlineKeyboardMarkup | None:
    """The markup, or None without buttons."""
    if not rows:
        return None
    return InlineKeyboardMarkup([[_button(button) for button in row] for row in rows])


def _button(button: Button | CopyButton) -> InlineKeyboardButton:
    if isinstance(button, CopyButton):
        return InlineKeyboardButton(button.label, copy_text=CopyTextButton(button.copies))
    return InlineKeyboardButton(button.label, callback_data=button.data, style=button.look or None)
