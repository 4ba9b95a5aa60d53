"""What the rehearsal server answers instead of a result. Knows the wire's error shape and nothing of chats."""

from __future__ import annotations

from typing import Any


class Refusal(Exception):
    """A Bot API error: HTTP status, description, and the parameters that go with it."""

    def __init__(self, status: int, description: str, **parameters: int) -> None:
        super().__init__(description)
        self.status = status
        self.description = description
        self.parameters = parameters

    def answer(self) -> dict[str, Any]:
        """The JSON body of the error."""
        body: dict[str, Any] = {"ok": False, "error_code": self.status, "description": self.description}
        if self.parameters:
            body["parameters"] = self.parameters
        return body


def bad_request(what: str) -> Refusal:
    """A 400 in Telegram's words."""
    return Refusal(400, f"Bad Request: {what}")


def forbidden(why: str) -> Refusal:
    """A 403 in Telegram's words."""
    return Refusal(403, f"Forbidden: {why}")


def too_many_requests(retry_after_seconds: int) -> Refusal:
    """A 429 that says when to come back."""
    return Refusal(429, f"Too Many Requests: retry after {retry_after_seconds}", retry_after=retry_after_seconds)
