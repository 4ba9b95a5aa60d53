"""Records to JSON and back, checked. Knows no table."""

from __future__ import annotations

from typing import Any, TypeVar

from pydantic import TypeAdapter

Record = TypeVar("Record")
_adapters: dict[Any, TypeAdapter[Any]] = {}  # building one takes milliseconds


def dump(record: object, kind: Any = None) -> str:
    """A record (or a value of `kind`) as JSON."""
    return _adapter(kind or type(record)).dump_json(record).decode()


def load(kind: type[Record], text: str | bytes) -> Record:
    """The record that `dump` wrote. Raises pydantic.ValidationError for another shape."""
    found: Record = _adapter(kind).validate_json(text)
    return found


def _adapter(kind: Any) -> TypeAdapter[Any]:
    if kind not in _adapters:
        _adapters[kind] = TypeAdapter(kind)
    return _adapters[kind]
