"""Records to JSON and back, checked. Knows no table."""

from __future__ import annotations

from collections.abc import Hashable
from functools import cache
from typing import Any, TypeVar

from pydantic import TypeAdapter

Record = TypeVar("Record")


@cache
def _adapter(kind: Hashable) -> TypeAdapter[Any]:
    return TypeAdapter(kind)


def dump(record: object, kind: Hashable = None) -> str:
    """A record (or a value of `kind`) as JSON."""
    return _adapter(kind or type(record)).dump_json(record).decode()


def load(kind: type[Record], text: str | bytes) -> Record:
    """The record that `dump` wrote. Raises pydantic.ValidationError for another shape."""
    found: Record = _adapter(kind).validate_json(text)
    return found
