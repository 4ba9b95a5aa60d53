"""A scripted person in the rehearsal chat: finds buttons by their verb, taps, writes, waits. Speaks HTTP only."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, TypeVar

import httpx

Found = TypeVar("Found")
PATIENCE_SECONDS = 60.0
LOOK_EVERY_SECONDS = 0.1


class NothingCame(AssertionError):
    """What the person waited for did not appear in time."""


@dataclass(frozen=True)
class Seen:
    """A button on the newest message that has one of this verb."""

    message_id: int
    data: str
    label: str

    @property
    def args(self) -> tuple[str, ...]:
        """The arguments between verb and revision."""
        return tuple(self.data.split(":")[1:-1])


def is_of(data: str, verb: str, *args: str) -> bool:
    """Whether a button with this data is of this verb (and first arguments)."""
    parts = data.split(":")
    return parts[0] == verb and tuple(parts[1 : 1 + len(args)]) == args


@dataclass
class Answered:
    """How a tap was answered."""

    text: str
    seconds: float


@dataclass
class Person:
    """Somebody with a phone."""

    http: httpx.Client
    name: str
    language: str = "en"
    id: int = 0
    chat: int = 0
    answers: list[Answered] = field(default_factory=list)

    def arrives(self) -> None:
        """Gets an account and a private chat with the bot."""
        body = {"name": self.name, "language_code": self.language}
        reply = self.http.post("/sim/people", json=body).raise_for_status().json()
        self.id, self.chat = reply["id"], reply["chat_id"]

    def messages(self) -> list[dict[str, Any]]:
        """Everything in the private chat, oldest first."""
        answer = self.http.get(f"/sim/chats/{self.chat}/messages", params={"user": self.id}).raise_for_status().json()
        found: list[dict[str, Any]] = answer["messages"] if isinstance(answer, dict) else answer
        return found

    def says(self, text: str) -> None:
        """Writes into the chat."""
        self.http.post("/sim/send", json={"user": self.id, "chat": self.chat, "text": text}).raise_for_status()

    def buttons(self) -> Iterator[Seen]:
        """All buttons in the chat, those of the newest message first."""
        for message in reversed(self.messages()):
            for row in message.get("buttons") or []:
                for button in row:
                    if button.get("callback_data"):
                        yield Seen(message["message_id"], button["callback_data"], button["text"])

    def waits(self, what: str, look: Callable[[], Found | None], seconds: float = PATIENCE_SECONDS) -> Found:
        """Looks until there is something. Raises NothingCame."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            found = look()
            if found:
                return found
            time.sleep(LOOK_EVERY_SECONDS)
        raise NothingCame(f"{self.name} waited {seconds:.0f} s for {what}; the chat ends with:\n{self.last_words()}")

    def finds(self, verb: str, *args: str, seconds: float = PATIENCE_SECONDS) -> Seen:
        """The newest button of this verb (and first arguments)."""

        def look() -> Seen | None:
            return next((button for button in self.buttons() if is_of(button.data, verb, *args)), None)

        return self.waits(f"the button {verb} {' '.join(args)}", look, seconds)

    def presses(self, button: Seen) -> Answered:
        """Taps exactly this button and waits for the answer."""
        body = {"user": self.id, "chat": self.chat, "message_id": button.message_id, "data": button.data}
        tap = self.http.post("/sim/tap", json=body).raise_for_status().json()["id"]

        def look() -> dict[str, Any] | None:
            state: dict[str, Any] = self.http.get(f"/sim/taps/{tap}").raise_for_status().json()
            return state if state["answered"] else None

        state = self.waits(f"an answer to {button.data}", look)
        answered = Answered(state.get("text") or "", float(state["seconds"]))
        self.answers.append(answered)
        return answered

    def taps(self, verb: str, *args: str, seconds: float = PATIENCE_SECONDS) -> Answered:
        """Finds the newest button of this verb and taps it."""
        return self.presses(self.finds(verb, *args, seconds=seconds))

    def documents(self) -> list[dict[str, Any]]:
        """The documents received, oldest first."""
        return [message["document"] for message in self.messages() if message.get("document")]

    def downloads(self, file_id: str) -> bytes:
        """The bytes of a file."""
        return self.http.get(f"/sim/files/{file_id}").raise_for_status().content

    def last_words(self, count: int = 4) -> str:
        """The last few messages as text."""
        lines = []
        for message in self.messages()[-count:]:
            verbs = [button.get("callback_data") for row in message.get("buttons") or [] for button in row]
            lines.append(f"[{message['message_id']}] {message.get('text') or message.get('caption') or '…'} {verbs}")
        return "\n".join(lines)
