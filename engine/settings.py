"""The engine's settings, read once from environment and `.env`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from storage.families import Family


class Settings(BaseSettings):
    """One frozen object; every field is `STYLESEAL_<NAME>`."""

    model_config = SettingsConfigDict(
        env_prefix="STYLESEAL_", env_file=".env", extra="ignore", frozen=True, protected_namespaces=()
    )

    data: Path = Path("data")  # folder of database and files, shared with the bot
    model: str = Family.EMOJI.value  # hub id, folder, .safetensors, or `emoji`
    device: Annotated[str, Field(pattern=r"^(auto|cpu|mps|cuda(:\d+)?)$")] = "auto"
    memory: Literal["auto", "gpu", "model-offload", "sequential-offload"] = "auto"
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
