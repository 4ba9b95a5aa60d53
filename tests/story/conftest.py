"""A real store, a clock that stands still, an engine's double, and Anna."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from storage.store import Store
from tests.cast import Clock, Painter, Traveller


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def store(tmp_path: Path, clock: Clock) -> AsyncIterator[Store]:
    found = await Store.open(tmp_path / "data", clock)
    yield found
    await found.close()


@pytest.fixture
async def painter(store: Store) -> Painter:
    found = Painter(store)
    await found.arrives()
    return found


@pytest.fixture
def anna(store: Store, clock: Clock, painter: Painter) -> Traveller:
    return Traveller(store, clock, painter)


@pytest.fixture
def boris(store: Store, clock: Clock, painter: Painter) -> Traveller:
    return Traveller(store, clock, painter, id=7002, language="ru")
