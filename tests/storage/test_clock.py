"""The wall clock may jump as it likes: all processes of a machine share a time that only goes on."""

from __future__ import annotations

from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from pysqlite3 import dbapi2 as sqlite

from storage.clock import find_origin, steady, to_ms
from storage.errors import StylesealError
from storage.opening import prepare
from storage.store import Store
from tests.asking import ANNA, Desk
from tests.clock import Clock

NOON = datetime(2026, 11, 26, 12, 0, tzinfo=UTC)
HOUR_MS = 60 * 60 * 1000


def origin(path: Path, boot: str, uptime_ms: int, wall: datetime) -> int:
    with closing(sqlite.connect(str(path), isolation_level=None)) as connection:
        return find_origin(connection, boot, lambda: uptime_ms, lambda: wall)


def fresh(path: Path) -> Path:
    prepare(path)
    with closing(sqlite.connect(str(path), isolation_level=None)) as connection:
        connection.execute("DELETE FROM clock")
    return path


def test_a_wall_clock_that_jumps_moves_nobodys_time(tmp_path: Path) -> None:
    path = fresh(tmp_path / "database")
    first = origin(path, "a", 5000, NOON)
    for jump in (timedelta(hours=-1), timedelta(days=1), timedelta(days=-3650)):
        assert origin(path, "a", 9000, NOON + jump) == first
    now = steady(first, lambda: 9000)()
    assert now == NOON + timedelta(seconds=4)


def test_after_a_restart_of_the_machine_time_is_the_walls_again_but_never_goes_back(tmp_path: Path) -> None:
    path = fresh(tmp_path / "database")
    origin(path, "a", 5000, NOON)
    with closing(sqlite.connect(str(path), isolation_level=None)) as connection:
        connection.execute("INSERT INTO moments (name, at) VALUES ('x', ?)", (to_ms(NOON),))
    assert origin(path, "b", 1000, NOON + timedelta(hours=2)) == to_ms(NOON) + 2 * HOUR_MS - 1000
    assert origin(path, "c", 1000, NOON - timedelta(hours=2)) == to_ms(NOON) - 1000


async def test_two_processes_of_a_machine_read_the_same_time(tmp_path: Path) -> None:
    bot, engine = await Store.open(tmp_path), await Store.open(tmp_path)
    assert abs((bot.clock() - engine.clock()).total_seconds()) < 1
    await engine.close()
    await bot.close()


async def test_what_is_queued_can_be_claimed_though_the_clock_went_back(desk: Desk, clock: Clock) -> None:
    job = await desk.asks(ANNA)
    clock.advances(hours=-1)
    assert (await desk.claims()).id == job.id


async def test_a_wait_of_five_seconds_stays_one_when_the_clock_goes_back(desk: Desk, clock: Clock) -> None:
    job = await desk.asks(ANNA)
    claimed = await desk.claims()
    await desk.store.leases.retry_later(claimed.id, claimed.lease_token, desk_error())
    clock.advances(hours=-1)
    desk.store.clock()  # somebody looks
    clock.advances(seconds=4)
    assert await desk.store.leases.claim("engine", 60.0) is None
    clock.advances(seconds=1)
    assert (await desk.claims()).id == job.id


def desk_error() -> StylesealError:
    return StylesealError()


async def test_a_handed_in_clock_keeps_its_own_controls(tmp_path: Path) -> None:
    store = await Store.open(tmp_path, Clock())
    before = store.clock()
    store.clock.advances(seconds=60)  # type: ignore[attr-defined]
    assert store.clock() - before == timedelta(seconds=60)
    with pytest.raises(AttributeError):
        store.clock.nothing_of_it  # type: ignore[attr-defined]  # noqa: B018
    await store.close()
