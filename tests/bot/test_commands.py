"""What an operator asks on the command line: is the bot well, and put a copy back."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from bot.__main__ import app
from storage.backup import back_up
from storage.beats import beat
from storage.clock import uptime_ms
from storage.store import DATABASE, Store


def test_a_health_check_goes_by_the_last_beat_and_never_opens_the_database(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("STYLESEAL_DATA", str(tmp_path))
    database = tmp_path / DATABASE
    database.write_bytes(b"no database at all")
    assert CliRunner().invoke(app, ["doctor", "--alive"]).exit_code == 1
    beat(tmp_path, "bot", uptime_ms() - 31_000)
    assert CliRunner().invoke(app, ["doctor", "--alive"]).exit_code == 1
    beat(tmp_path, "bot")
    assert CliRunner().invoke(app, ["doctor", "--alive"]).exit_code == 0
    assert database.read_bytes() == b"no database at all"
    assert {path.name for path in tmp_path.iterdir()} == {DATABASE, "bot.beat"}


async def test_a_copy_is_put_back_by_a_command_and_never_over_what_is_there(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    living = await Store.open(tmp_path / "living")
    kept = await living.files.put(b"a picture", ".png")
    await back_up(living, tmp_path / "copy")
    await living.close()
    monkeypatch.setenv("STYLESEAL_DATA", str(tmp_path / "elsewhere"))
    assert CliRunner().invoke(app, ["restore", str(tmp_path / "copy")]).exit_code == 0
    reborn = await Store.open(tmp_path / "elsewhere")
    assert await reborn.files.read(kept) == b"a picture"
    await reborn.close()
    again = CliRunner().invoke(app, ["restore", str(tmp_path / "copy")])
    assert again.exit_code == 2
    assert "Nothing was changed" in again.output
    assert "Traceback" not in again.output
