"""How the bot presents itself: commands and descriptions in every language, more commands for admins."""

from __future__ import annotations

from collections.abc import Iterable

import structlog
from telegram import Bot, BotCommand, BotCommandScopeAllPrivateChats, BotCommandScopeChat
from telegram.error import TelegramError

from bot.words import LANGUAGES, Words

log = structlog.get_logger("profile")
COMMANDS = ("start", "quests", "queue", "cancel", "settings", "language", "privacy", "forget", "export", "help")
ADMIN_COMMANDS = ("admin",)


async def present(bot: Bot, admins: Iterable[int], default_language: str) -> None:
    """Sets commands and descriptions. That Telegram refuses one is worth a line in the log, no more."""
    try:
        for language in LANGUAGES:
            await _present_in(bot, language, None if language == default_language else language)
        words = Words(default_language)
        for admin in admins:
            await bot.set_my_commands(
                [_command(words, name) for name in (*COMMANDS, *ADMIN_COMMANDS)], scope=BotCommandScopeChat(admin)
            )
    except TelegramError as error:  # the bot talks without it
        log.warning("profile not set", error=type(error).__name__)


async def _present_in(bot: Bot, language: str, code: str | None) -> None:
    words = Words(language)
    commands = [_command(words, name) for name in COMMANDS]
    await bot.set_my_commands(commands, scope=BotCommandScopeAllPrivateChats(), language_code=code)
    await bot.set_my_description(words("profile.description"), language_code=code)
    await bot.set_my_short_description(words("profile.short"), language_code=code)


def _command(words: Words, name: str) -> BotCommand:
    return BotCommand(name, words(f"command.{name}"))
