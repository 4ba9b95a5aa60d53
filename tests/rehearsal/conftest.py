"""A stage, a bot and Anna."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from telegram import Bot

from tests.clock import Clock
from tests.rehearsal.stage import Stage, playing


@pytest.fixture
async def stage(tmp_path: Path, clock: Clock) -> AsyncIterator[Stage]:
    async with playing(tmp_path / "rehearsal", clock) as found:
        yield found


@pytest.fixture
async def bot(stage: Stage) -> Bot:
    return await stage.bot()


@pytest.fixture
async def anna(stage: Stage) -> int:
    return await stage.person()
