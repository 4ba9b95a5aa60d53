"""getMe and what the bot says about itself: commands, name, descriptions, menu button."""

from __future__ import annotations

import re
from typing import Any

from rehearsal.methods.sending import Arguments, Uploads
from rehearsal.profile import key_of
from rehearsal.refusals import bad_request
from rehearsal.world import World

MAX_COMMANDS = 100  # Bot API
MAX_COMMAND_WORDS = 256  # Bot API
COMMAND = re.compile(r"[a-z0-9_]{1,32}")  # Bot API
LANGUAGE = re.compile(r"([a-z]{2})?")  # Bot API: two letters or nothing
MAX_NAME, MAX_DESCRIPTION, MAX_SHORT = 64, 512, 120  # Bot API


def language_of(arguments: Arguments) -> str:
    """The checked language code of a call."""
    code: str = arguments.get("language_code") or ""
    if not LANGUAGE.fullmatch(code):
        raise bad_request("invalid language code specified")
    return code


async def get_me(world: World, _arguments: Arguments, _uploads: Uploads) -> Any:
    """Who the bot is."""
    return world.profile.me()


async def set_my_commands(world: World, arguments: Arguments, _uploads: Uploads) -> Any:
    """The menu of a scope in a language."""
    commands: list[dict[str, str]] = arguments["commands"]
    if len(commands) > MAX_COMMANDS:
        raise bad_request("BOT_COMMANDS_TOO_MUCH")
    for command in commands:
        if not COMMAND.fullmatch(command["command"].removeprefix("/")):
            raise bad_request("BOT_COMMAND_INVALID")
        if not 1 <= len(command["description"].strip()) <= MAX_COMMAND_WORDS:
            raise bad_request("BOT_COMMAND_DESCRIPTION_INVALID")
    world.profile.commands[key_of(arguments.get("scope"), language_of(arguments))] = commands
    world.tell("profile")
    return True


async def get_my_commands(world: World, arguments: Arguments, _uploads: Uploads) -> Any:
    """The menu as it was set for exactly this scope and language."""
    return world.profile.commands.get(key_of(arguments.get("scope"), language_of(arguments)), [])


async def set_chat_menu_button(world: World, arguments: Arguments, _uploads: Uploads) -> Any:
    """What the button beside the composer opens."""
    button = arguments.get("menu_button") or {"type": "default"}
    if button.get("type") not in ("commands", "web_app", "default"):
        raise bad_request("can't parse menu button: unsupported type")
    world.profile.menu_buttons[str(arguments.get("chat_id") or "")] = button
    world.tell("profile")
    return True


def set_words(world: World, kept: dict[str, str], text: str, limit: int, arguments: Arguments) -> bool:
    """Stores a name or description in a language."""
    if len(text) > limit:
        raise bad_request("text is too long")
    kept[language_of(arguments)] = text
    world.tell("profile")
    return True


async def set_my_name(world: World, arguments: Arguments, _uploads: Uploads) -> Any:
    """The bot's name."""
    return set_words(world, world.profile.names, arguments.get("name") or "", MAX_NAME, arguments)


async def set_my_description(world: World, arguments: Arguments, _uploads: Uploads) -> Any:
    """What an empty chat shows."""
    text = arguments.get("description") or ""
    return set_words(world, world.profile.descriptions, text, MAX_DESCRIPTION, arguments)


async def set_my_short_description(world: World, arguments: Arguments, _uploads: Uploads) -> Any:
    """What the profile shows."""
    text = arguments.get("short_description") or ""
    return set_words(world, world.profile.short_descriptions, text, MAX_SHORT, arguments)


METHODS = {
    "getMe": get_me,
    "setMyCommands": set_my_commands,
    "getMyCommands": get_my_commands,
    "setChatMenuButton": set_chat_menu_button,
    "setMyName": set_my_name,
    "setMyDescription": set_my_description,
    "setMyShortDescription": set_my_short_description,
}
