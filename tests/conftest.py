"""What every test may rely on: logs of its own, a clock that stands still, a store in a fresh folder, and people."""

from __future__ import annotations

import logging
import sys
import threading
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import structlog

from storage.store import Store
from tests.asking import Desk
from tests.cast import Painter, Traveller
from tests.clock import Clock


@pytest.fixture(autouse=True)
def own_logs() -> Iterator[None]:
    """A command that runs inside the test's process sets up logs, as it should; afterwards they are as before."""
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    hooks = sys.excepthook, sys.unraisablehook, threading.excepthook
    yield
    sys.excepthook, sys.unraisablehook, threading.excepthook = hooks
    structlog.reset_defaults()
    root.handlers[:] = handlers
    root.setLevel(level)


@pytest.fixture
def clock() -> Clock:
    """Stands still until the test moves it."""
    return Clock()


@pytest.fixture
async def store(tmp_path: Path, clock: Clock | None) -> AsyncIterator[Store]:
    """A new store; with a clock that is None it lives by the machine's own, as its processes do."""
    opened = await Store.open(tmp_path / "data", clock)
    yield opened
    await opened.close()


@pytest.fixture
def desk(store: Store, clock: Clock) -> Desk:
    """Where people ask and engines answer."""
    return Desk(store, clock)


@pytest.fixture
async def painter(store: Store) -> Painter:
    """An engine's double that has come to work."""
    found = Painter(store)
    await found.arrives()
    return found


@pytest.fixture
def anna(store: Store, clock: Clock, painter: Painter) -> Traveller:
    """Somebody with a phone."""
    return Traveller(store, clock, painter)


@pytest.fixture
def boris(store: Store, clock: Clock, painter: Painter) -> Traveller:
    """Somebody else, who reads Russian."""
    return Traveller(store, clock, painter, id=7002, language="ru")
