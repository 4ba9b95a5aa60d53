"""What only its owner may read: new files by the umask, old ones mended, and secrets made once. Knows no table."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

OWNER_ONLY = 0o077  # a umask: folders 0700, files 0600
SECRET_BYTES = 26  # 35 characters, as long as the secret half of Telegram's tokens
REHEARSAL_BOT = 7_000_000_001


def keep_to_ourselves() -> None:
    """What this process and its children make from now on is readable by its owner alone."""
    os.umask(OWNER_ONLY)


def make_private(folder: Path) -> None:
    """Takes group and others off a folder and everything in it, where it is ours to change. Links are left alone."""
    _tighten(folder)
    for parent, folders, files in os.walk(folder):
        for name in (*folders, *files):
            _tighten(Path(parent, name))


def _tighten(path: Path) -> None:
    with suppress(FileNotFoundError, PermissionError):  # renamed while we looked; somebody else's
        mode = path.lstat().st_mode
        if mode & OWNER_ONLY and not path.is_symlink():
            path.chmod(mode & 0o700)


def rehearsal_token(file: Path) -> str:
    """The token between bot and rehearsal chat: whoever comes first makes it, the other finds it."""
    return _made_once(file, lambda: f"{REHEARSAL_BOT}:{secrets.token_urlsafe(SECRET_BYTES)}")


def _made_once(file: Path, make: Callable[[], str]) -> str:
    """The secret in a 0600 file. It gets its name when it is whole, so that nobody reads half of one."""
    if not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        draft = file.with_name(f"{file.name}.{secrets.token_hex(4)}")
        handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w") as written:
            written.write(make())
        with suppress(FileExistsError):  # the other process was quicker; its secret counts
            os.link(draft, file)
        draft.unlink()
    _tighten(file)
    return file.read_text().strip()
