"""A real store in a fresh folder, with a clock that stands still until a test moves it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from storage.store import Store
from tests.storage.asking import Clock, Desk


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def store(tmp_path: Path, clock: Clock) -> AsyncIterator[Store]:
    opened = await Store.open(tmp_path / "data", clock)
    yield opened
    await opened.close()


@pytest.fixture
async def desk(store: Store, clock: Clock) -> Desk:
    """Where people ask and engines answer."""
    return Desk(store, clock)
