"""`python -m bot.sheets.drawing_process`: draws one picture after another for the bot that started it, behind it.

One line of JSON comes in for each picture; a line of JSON and then the JPEG go out. It ends with the bot, also when
that is killed: its requests end then.
"""

from __future__ import annotations

import json
import os
import queue
import signal
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from bot.screens import PictureSource
from bot.sheets.rendering import render
from storage import failpoints
from storage.documents import load
from storage.files import FileFolder

NICENESS = 5  # a third of the bot's share of a busy processor: a sheet is late by a blink, an answer is not


def main() -> None:
    """Draws until nothing is asked any more."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; the bot decides when this ends
    os.nice(NICENESS)
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # what a library prints must not get between the answers
    asked: queue.SimpleQueue[str] = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(sys.stdin.buffer, asked.put), daemon=True).start()
    while True:
        _answer(answers, asked.get())


def _listen(requests: BinaryIO, put: Callable[[str], None]) -> None:
    for line in requests:
        put(line.decode())
    os._exit(0)  # also out of the middle of a picture: nobody is left who wants it


def _answer(answers: BinaryIO, line: str) -> None:
    asked = json.loads(line)
    failpoints.reach("draw")
    head: dict[str, str | int]
    try:
        picture: PictureSource = load(PictureSource, asked["picture"])  # type: ignore[arg-type]  # a union is no class
        data = render(picture, FileFolder(Path(asked["folder"])).read)
    except Exception as error:  # whatever it is, the next picture must still be drawn
        head, data = {"failed": type(error).__name__}, b""
    else:
        head = {"bytes": len(data)}
    answers.write(json.dumps(head).encode() + b"\n" + data)
    answers.flush()


if __name__ == "__main__":
    main()
