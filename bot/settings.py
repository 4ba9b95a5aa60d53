"""The bot's settings: one frozen object, read once from the environment or `.env`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AliasChoices, Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from bot.words import LANGUAGES
from storage.private import rehearsal_token

TELEGRAM = "https://api.telegram.org"
REHEARSAL_TOKEN_FILE = Path("rehearsal") / "token"  # below the data folder
LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})


class Settings(BaseSettings):
    """What an operator may set."""

    model_config = SettingsConfigDict(
        env_prefix="STYLESEAL_", env_file=".env", extra="ignore", frozen=True, env_ignore_empty=True
    )

    telegram_bot_token: SecretStr | None = Field(default=None, validation_alias=AliasChoices("TELEGRAM_BOT_TOKEN"))
    telegram_bot_token_file: Path | None = Field(default=None, validation_alias=AliasChoices("TELEGRAM_BOT_TOKEN_FILE"))
    telegram_api_url: str = Field(default=TELEGRAM, validation_alias=AliasChoices("TELEGRAM_API_URL"))
    data: Path = Path("data")
    admins: Annotated[frozenset[int], NoDecode] = frozenset()
    language: str = "en"
    port: int = 8765
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"

    @field_validator("admins", mode="before")
    @classmethod
    def _split_admins(cls, value: object) -> object:
        if isinstance(value, str):
            return [part for part in value.replace(",", " ").split() if part]
        return [value] if isinstance(value, int) else value

    @field_validator("language")
    @classmethod
    def _spoken(cls, value: str) -> str:
        if value not in LANGUAGES:
            raise ValueError(f"one of {', '.join(LANGUAGES)}")
        return value

    @field_validator("telegram_bot_token_file")
    @classmethod
    def _readable(cls, value: Path | None) -> Path | None:
        if value is not None and not (value.is_file() and os.access(value, os.R_OK)):
            raise ValueError("there is no such file, or it may not be read")
        return value

    @property
    def speaks_locally(self) -> bool:
        """Whether the Bot API server is on this machine."""
        return urlsplit(self.telegram_api_url).hostname in LOOPBACK

    @property
    def token(self) -> str | None:
        """The token: of the file, else of the environment, else the one that bot and rehearsal chat share."""
        if self.telegram_bot_token_file is not None:
            return self.telegram_bot_token_file.read_text().strip() or None
        if self.telegram_bot_token is not None:
            return self.telegram_bot_token.get_secret_value()
        return rehearsal_token(self.data / REHEARSAL_TOKEN_FILE) if self.speaks_locally else None
