"""What a call left in a chat, so that whoever ends the message's row keeps it in the same transaction."""

from __future__ import annotations

from dataclasses import dataclass, field

from bot.screens import Album, Notice
from storage.slots import Slot
from storage.uploads import Upload


@dataclass(frozen=True)
class Delivered:
    """The newest message of ours (None: none), and which message stands for a slot from now on (None: none).

    `also_called`: an old message was put away, which counts against the chat's budget like another message; `uploads`:
    pictures that Telegram has from now on; `rest`: what is still to be sent of an album that goes apart.
    """

    newest: int | None = None
    slots: dict[str, Slot | None] = field(default_factory=dict)
    also_called: bool = False
    uploads: tuple[Upload, ...] = ()
    rest: Album | Notice | None = None
