"""What the bot says about itself: name, descriptions, commands by scope and language, menu buttons, webhook."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

USERNAME = "styleseal_rehearsal_bot"
BOT_ID = 7_000_000_001
DEFAULT_NAME = "Styleseal"


@dataclass
class Profile:
    """Settings by language code ('' is the default)."""

    names: dict[str, str] = field(default_factory=dict)
    descriptions: dict[str, str] = field(default_factory=dict)
    short_descriptions: dict[str, str] = field(default_factory=dict)
    commands: dict[str, list[dict[str, str]]] = field(default_factory=dict)  # `key_of` → commands
    menu_buttons: dict[str, dict[str, Any]] = field(default_factory=dict)  # chat id ('' default) → button

    def name(self, language: str = "") -> str:
        """The name as somebody of this language sees it."""
        return self.names.get(language) or self.names.get("") or DEFAULT_NAME

    def description(self, language: str = "") -> str:
        """What an empty chat shows."""
        return self.descriptions.get(language) or self.descriptions.get("") or ""

    def commands_for(self, chat_id: int, private: bool, language: str) -> list[dict[str, str]]:
        """The menu of one chat: the narrowest scope that has commands, the person's language before the default."""
        scopes: list[dict[str, Any]] = [
            {"type": "chat", "chat_id": chat_id},
            {"type": "all_private_chats" if private else "all_group_chats"},
            {"type": "default"},
        ]
        for scope in scopes:
            for code in (language, ""):
                found = self.commands.get(key_of(scope, code))
                if found:
                    return found
        return []

    def user(self) -> dict[str, Any]:
        """The bot as a Bot API User."""
        return {"id": BOT_ID, "is_bot": True, "first_name": self.name(), "username": USERNAME}

    def me(self) -> dict[str, Any]:
        """The answer of getMe."""
        return {
            **self.user(),
            "can_join_groups": True,
            "can_read_all_group_messages": False,
            "supports_inline_queries": False,
            "can_connect_to_business": False,
            "has_main_web_app": False,
        }


def key_of(scope: dict[str, Any] | None, language: str) -> str:
    """Under which name commands of a scope and language are kept."""
    return json.dumps([scope or {"type": "default"}, language], sort_keys=True)
