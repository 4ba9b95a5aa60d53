"""How the bot presents itself: commands and descriptions in every language, more commands for admins."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from functools import partial

import structlog
from telegram import Bot, BotCommand, BotCommandScopeAllPrivateChats, BotCommandScopeChat
from telegram.error import TelegramError

from bot.telegram.refusals import Meaning, verdict
from bot.words import LANGUAGES, Words

log = structlog.get_logger("profile")
COMMANDS = ("start", "quests", "queue", "cancel", "settings", "language", "privacy", "forget", "export", "help")
ADMIN_COMMANDS = ("admin",)
ATTEMPTS = 5
AGAIN_SECONDS = 2.0


async def present(bot: Bot, admins: Iterable[int], default_language: str) -> None:
    """Sets commands and descriptions. One that Telegram refuses is worth a line in the log and stops no other."""
    for language in LANGUAGES:
        await _present_in(bot, language, None if language == default_language else language)
    words = Words(default_language)
    commands = [_command(words, name) for name in (*COMMANDS, *ADMIN_COMMANDS)]
    for admin in admins:
        await _set(partial(bot.set_my_commands, commands, scope=BotCommandScopeChat(admin)))


async def _present_in(bot: Bot, language: str, code: str | None) -> None:
    words = Words(language)
    commands = [_command(words, name) for name in COMMANDS]
    await _set(partial(bot.set_my_commands, commands, scope=BotCommandScopeAllPrivateChats(), language_code=code))
    await _set(partial(bot.set_my_description, words("profile.description"), language_code=code))
    await _set(partial(bot.set_my_short_description, words("profile.short"), language_code=code))


async def _set(call: Callable[[], Awaitable[object]]) -> None:
    """Makes the call, a few times where it may pass: the bot talks without it."""
    for attempt in range(1, ATTEMPTS + 1):
        try:
            await call()
        except TelegramError as error:
            found = verdict(error)
            log.warning("profile not set", method=found.method, code=found.code, why=found.label)
            if found.meaning is not Meaning.PASSING or attempt == ATTEMPTS:
                return
            await asyncio.sleep(AGAIN_SECONDS if found.wait_seconds is None else found.wait_seconds)
        else:
            return


def _command(words: Words, name: str) -> BotCommand:
    return BotCommand(name, words(f"command.{name}"))
