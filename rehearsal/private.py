"""What only its owner may read: the chat's files, and the token that it shares with the bot."""

from __future__ import annotations

import os
import secrets
from contextlib import suppress
from pathlib import Path

from rehearsal.profile import BOT_ID

OWNER_ONLY = 0o077  # a umask: folders 0700, files 0600
SECRET_BYTES = 26  # 35 characters, as long as the secret half of Telegram's tokens


def make_private(folder: Path) -> None:
    """Makes the folder. From now on this process writes for its owner alone; what was open to others is so no more."""
    os.umask(OWNER_ONLY)
    folder.mkdir(parents=True, exist_ok=True)
    for path in (folder, *folder.rglob("*")):
        with suppress(FileNotFoundError, PermissionError):  # renamed while we looked; somebody else's
            if not path.is_symlink():
                path.chmod(path.stat().st_mode & 0o700)


def shared_token(file: Path) -> str:
    """The token of chat and bot: whoever comes first makes it, and it gets its name when it is whole."""
    if not file.exists():
        draft = file.with_name(f"{file.name}.{secrets.token_hex(4)}")
        draft.write_text(f"{BOT_ID}:{secrets.token_urlsafe(SECRET_BYTES)}")
        with suppress(FileExistsError):  # the bot was quicker; its token counts
            os.link(draft, file)
        draft.unlink()
    return file.read_text().strip()
