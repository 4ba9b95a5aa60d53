"""Settings: read once, refused in words, secrets kept."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from bot.settings import REHEARSAL_TOKEN_FILE, Settings
from storage.private import rehearsal_token

ROOT = Path(__file__).resolve().parents[2]
MINE = ("TELEGRAM_", "STYLESEAL_")


@pytest.fixture(autouse=True)
def _in_an_empty_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith(MINE)]:
        monkeypatch.delenv(name)


def test_telegram_itself_needs_a_token_and_a_local_server_shares_one_with_the_bot(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert Settings().token is None
    monkeypatch.setenv("TELEGRAM_API_URL", "http://127.0.0.1:9000")
    token = Settings().token
    assert token == Settings().token == rehearsal_token(tmp_path / "data" / REHEARSAL_TOKEN_FILE)
    assert token != rehearsal_token(tmp_path / "other")


def test_a_token_may_come_in_a_file_which_counts_more_than_the_environment(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("TELEGRAM_BOT_TOKEN", "123:elsewhere")
    (tmp_path / "secret").write_text("123:of-the-file\n")
    monkeypatch.setenv("TELEGRAM_BOT_TOKEN_FILE", str(tmp_path / "secret"))
    assert Settings().token == "123:of-the-file"


def test_a_token_file_that_is_not_there_is_refused_in_words(tmp_path: Path) -> None:
    done = bot(cwd=tmp_path, TELEGRAM_BOT_TOKEN_FILE="/run/secrets/nothing")
    assert (done.returncode, "Traceback" in done.stderr) == (2, False)
    assert "no such file" in done.stderr


def test_a_token_of_ones_own_is_used_and_never_printed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TELEGRAM_BOT_TOKEN", "123:secret")
    monkeypatch.setenv("TELEGRAM_API_URL", "http://localhost:9000/")
    settings = Settings()
    assert settings.token == "123:secret"
    assert "secret" not in repr(settings)


@pytest.mark.parametrize("written", ["11,22", "11 22", " 11, 22 ,"])
def test_admins_are_written_with_commas_or_blanks(written: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STYLESEAL_ADMINS", written)
    assert Settings().admins == {11, 22}


def test_settings_come_from_a_dotenv_file_too(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("STYLESEAL_LANGUAGE=ko\nSTYLESEAL_DATA=elsewhere\nUNRELATED=1\n")
    assert (Settings().language, Settings().data) == ("ko", Path("elsewhere"))


def bot(*arguments: str, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """`python -m bot` as an operator runs it."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith(MINE)}
    return subprocess.run(
        [sys.executable, "-m", "bot", *arguments],
        cwd=cwd,
        env={**clean, "PYTHONPATH": str(ROOT), **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def test_without_a_token_the_bot_says_how_to_begin(tmp_path: Path) -> None:
    done = bot(cwd=tmp_path)
    assert done.returncode == 2
    assert "make run" in done.stderr
    assert "@BotFather" in done.stderr


def test_a_wrong_setting_is_refused_in_words_and_not_repeated(tmp_path: Path) -> None:
    done = bot(cwd=tmp_path, STYLESEAL_LANGUAGE="klingon-secret")
    assert done.returncode == 2
    assert "language" in done.stderr.lower()
    assert "Traceback" not in done.stderr
    assert "klingon-secret" not in done.stderr


def test_the_doctor_names_what_it_looked_at_and_what_to_do(tmp_path: Path) -> None:
    done = bot("doctor", cwd=tmp_path)
    for name in ("token", "SQLite", "GPU", "disk", "file system", "model", "data"):
        assert name in done.stdout
    assert "✗ token" in done.stdout
    assert "make run" in done.stdout
    assert done.returncode == 0, "without a token the rehearsal chat still runs"
