"""The bot's settings: one frozen object, read once from the environment or `.env`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AliasChoices, Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

TELEGRAM = "https://api.telegram.org"
REHEARSAL_TOKEN = "1000001:rehearsal-needs-no-secret"  # noqa: S105 - accepted by the local chat only
LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})


class Settings(BaseSettings):
    """What an operator may set."""

    model_config = SettingsConfigDict(
        env_prefix="STYLESEAL_", env_file=".env", extra="ignore", frozen=True, env_ignore_empty=True
    )

    telegram_bot_token: SecretStr | None = Field(default=None, validation_alias=AliasChoices("TELEGRAM_BOT_TOKEN"))
    telegram_api_url: str = Field(default=TELEGRAM, validation_alias=AliasChoices("TELEGRAM_API_URL"))
    data: Path = Path("data")
    admins: Annotated[frozenset[int], NoDecode] = frozenset()
    language: Literal["en", "ru", "ko"] = "en"
    port: int = 8765
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"

    @field_validator("admins", mode="before")
    @classmethod
    def _split_admins(cls, value: object) -> object:
        if isinstance(value, str):
            return [part for part in value.replace(",", " ").split() if part]
        return [value] if isinstance(value, int) else value

    @property
    def speaks_locally(self) -> bool:
        """Whether the Bot API server is on this machine."""
        return urlsplit(self.telegram_api_url).hostname in LOOPBACK

    @property
    def token(self) -> str | None:
        """The token; a local server needs none of its own."""
        if self.telegram_bot_token is not None:
            return self.telegram_bot_token.get_secret_value()
        return REHEARSAL_TOKEN if self.speaks_locally else None
