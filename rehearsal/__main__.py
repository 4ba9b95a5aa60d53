"""`python -m rehearsal`: the local chat that stands in for Telegram, on 127.0.0.1 only."""

from __future__ import annotations

from pathlib import Path
from types import FrameType
from typing import Annotated

import typer
import uvicorn

from rehearsal.private import make_private, shared_token
from rehearsal.process import end_with_launcher, set_up_logs
from rehearsal.server import build_app
from rehearsal.world import World

TOKEN_FILE = "token"  # noqa: S105 - its name; in the folder for chats and files, where the bot looks for it too
LOOPBACK = "127.0.0.1"


class Server(uvicorn.Server):
    """uvicorn that lets go of long polls and event streams when it is told to stop."""

    world: World

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Ends what would wait, then stops as usual."""
        self.world.events.close()
        self.world.updates.close()
        super().handle_exit(sig, frame)


def main(
    port: Annotated[int, typer.Option(help="Port on 127.0.0.1.")] = 8765,
    data: Annotated[Path, typer.Option(help="Folder for chats and files.")] = Path("data/rehearsal"),
    control: Annotated[bool, typer.Option("--control", help="Open the whole control API (/sim) to scripts.")] = False,
) -> None:
    """Opens the rehearsal chat."""
    set_up_logs()
    end_with_launcher()
    make_private(data)
    token = shared_token(data / TOKEN_FILE)
    world = World(data)
    # No access log: its lines would carry the bot's token.
    config = uvicorn.Config(
        build_app(world, token=token, control_open=control),
        host=LOOPBACK,
        port=port,
        access_log=False,
        log_config=None,
        timeout_graceful_shutdown=3,
        ws="none",
    )
    server = Server(config)
    server.world = world
    server.run()


if __name__ == "__main__":
    typer.run(main)
