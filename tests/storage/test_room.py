"""A full disk refuses files before rows, leaves no half file, and everything goes on afterwards."""

from __future__ import annotations

import errno
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest
from pysqlite3 import dbapi2 as sqlite
from structlog.testing import capture_logs

from storage.errors import CannotWrite, DiskFails, NoRoom
from storage.files import FileFolder
from storage.room import FLOOR_BYTES, RESERVE, Room
from storage.states import JobState, Wish
from storage.store import Store
from tests.asking import ANNA, Desk, payload

GIB = 1 << 30


class Disk:
    """What the system says of a disk."""

    def __init__(self, free: int, total: int = 100 * GIB) -> None:
        self.free, self.total = free, total

    def __call__(self, _folder: Path) -> SimpleNamespace:
        return SimpleNamespace(free=self.free, total=self.total)


def sqlite_error(act: Callable[[sqlite.Connection], object]) -> sqlite.Error:
    with pytest.raises(sqlite.Error) as raised:
        act(sqlite.connect(":memory:", isolation_level=None))
    return raised.value


def fill(connection: sqlite.Connection) -> None:
    connection.execute("CREATE TABLE filled (bytes)")
    connection.execute("PRAGMA max_page_count = 2")
    connection.execute("INSERT INTO filled VALUES (zeroblob(100000))")


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EFBIG])
def test_a_disk_a_quota_and_a_size_limit_that_are_reached_are_no_room(tmp_path: Path, number: int) -> None:
    with pytest.raises(NoRoom) as raised, Room(tmp_path).telling(7):
        raise OSError(number, "full")
    assert raised.value.facts == {"needs": 7}


def test_a_database_that_may_not_grow_is_no_room(tmp_path: Path) -> None:
    assert isinstance(Room(tmp_path).write_error(sqlite_error(fill)), NoRoom)


@pytest.mark.parametrize("number", [errno.EIO, errno.EROFS])
def test_a_disk_that_fails_is_told_from_a_full_one(tmp_path: Path, number: int) -> None:
    error = OSError(number, "broken")
    assert isinstance(Room(tmp_path, Disk(free=90 * GIB)).write_error(error), DiskFails)
    assert isinstance(Room(tmp_path, Disk(free=0)).write_error(error), NoRoom)


def test_other_errors_pass_as_they_are(tmp_path: Path) -> None:
    assert Room(tmp_path).write_error(sqlite_error(lambda c: c.execute("SELECT * FROM nowhere"))) is None
    with pytest.raises(PermissionError), Room(tmp_path).telling():
        raise PermissionError(errno.EACCES, "no")


@pytest.mark.parametrize(
    ("free", "total", "low"),
    [
        (FLOOR_BYTES, 100 * GIB, False),
        (FLOOR_BYTES - 1, 100 * GIB, True),
        (60 << 20, GIB, False),  # a small disk keeps a twentieth
        (51 << 20, GIB, True),
    ],
)
def test_a_floor_stays_free_for_rows(tmp_path: Path, free: int, total: int, low: bool) -> None:
    assert Room(tmp_path, Disk(free, total)).is_low() is low


def test_a_file_that_would_break_the_floor_is_refused_whole(tmp_path: Path) -> None:
    folder = FileFolder(tmp_path / "files")
    folder.room = Room(tmp_path, Disk(free=FLOOR_BYTES + 999))
    with pytest.raises(NoRoom):
        folder.write(b"x" * 1000)
    assert [path for path in (tmp_path / "files").rglob("*") if path.is_file()] == []
    assert folder.write(b"x" * 999)


def test_the_reserve_is_held_where_there_is_plenty_and_given_for_rows(tmp_path: Path) -> None:
    Room(tmp_path, Disk(free=0)).keep_reserve()
    assert not (tmp_path / RESERVE).exists()
    room = Room(tmp_path)
    room.keep_reserve()
    assert (tmp_path / RESERVE).stat().st_blocks * 512 >= 8 << 20
    room.release_reserve()
    assert not (tmp_path / RESERVE).exists()


async def test_a_write_that_the_database_has_no_room_for_is_undone_and_the_next_one_works(store: Store) -> None:
    await store.people.meet(ANNA, ANNA, "en")
    pages = (await store.database.all("PRAGMA page_count"))[0]["page_count"]
    await store.database.maintain(f"PRAGMA max_page_count = {pages + 1}")

    async def write_both() -> None:
        async with store.write():
            await store.inbox.take(1, ANNA, "short")
            await store.inbox.take(2, ANNA, "x" * 100_000)

    with pytest.raises(NoRoom):
        await write_both()
    assert not (store.folder / RESERVE).exists()
    assert await store.inbox.pending() == ()
    assert await store.inbox.take(3, ANNA, "short")
    await store.database.maintain("PRAGMA max_page_count = 100000")
    assert await store.inbox.take(2, ANNA, "x" * 100_000)


async def test_a_held_job_waits_with_its_reason_and_no_attempt_is_counted(desk: Desk) -> None:
    await desk.asks(ANNA)
    job = await desk.claims()
    await desk.store.leases.hold(job.id, job.lease_token, NoRoom(needs=10))
    held = await desk.sees(job)
    assert (held.state, held.attempt, held.crashes) == (JobState.WAITING, 0, 0)
    assert held.error is not None
    assert "NoRoom" in held.error
    assert held.version > job.version  # the person hears of it
    assert await desk.store.queue.reason_to_hold() == "NoRoom"


async def test_a_held_job_goes_on_when_what_it_needs_is_there(desk: Desk) -> None:
    await desk.asks(ANNA)
    job = await desk.claims()
    await desk.store.leases.hold(job.id, job.lease_token, NoRoom(needs=1000))
    desk.store.database.room = Room(desk.store.folder, Disk(free=FLOOR_BYTES + 999))
    assert await desk.store.leases.release_held() == 0
    desk.store.database.room = Room(desk.store.folder, Disk(free=FLOOR_BYTES + 1000))
    assert await desk.store.leases.release_held() == 1
    again = await desk.claims()
    assert (again.id, again.attempt, again.error) == (job.id, 0, None)


async def test_what_an_admin_holds_is_not_released_by_room(desk: Desk) -> None:
    job = await desk.asks(ANNA)
    assert await desk.store.queue.pause(job.id)
    assert await desk.store.leases.release_held() == 0
    assert (await desk.sees(job)).state is JobState.WAITING


async def test_a_canceled_job_does_not_wait_for_room(desk: Desk) -> None:
    await desk.asks(ANNA)
    job = await desk.claims()
    await desk.store.queue.wish(job.id, Wish.CANCEL)
    await desk.store.leases.hold(job.id, job.lease_token, NoRoom())
    assert (await desk.sees(job)).state is JobState.CANCELED


async def test_new_work_is_refused_below_the_floor(desk: Desk) -> None:
    await desk.quest_of(ANNA)
    desk.store.database.room = Room(desk.store.folder, Disk(free=FLOOR_BYTES - 1))
    with pytest.raises(NoRoom):
        await desk.asks(ANNA, payload())
    assert (desk.store.folder / RESERVE).exists()  # the floor is no reason to give the reserve away


async def test_what_must_be_written_is_written_when_the_disk_takes_it(store: Store) -> None:
    tries = []

    async def act() -> str:
        tries.append(1)
        if len(tries) < 2:
            raise CannotWrite
        return "written"

    assert await store.when_possible(act) == "written"


async def test_a_full_disk_is_logged_once_and_once_that_it_is_over(tmp_path: Path) -> None:
    store = await Store.open(tmp_path)
    with capture_logs() as logs:
        for _ in range(3):
            store.room.complain(NoRoom())
        await store.inbox.take(1, ANNA, "a write that works")
        await store.inbox.take(2, ANNA, "and another")
        store.room.complain(NoRoom())
    await store.close()
    assert [entry["event"] for entry in logs] == ["cannot write", "can write again", "cannot write"]


async def test_rows_that_still_fit_below_the_floor_are_no_sign_that_it_is_over(store: Store) -> None:
    store.database.room = Room(store.folder, Disk(free=FLOOR_BYTES - 1))
    with capture_logs() as logs:
        for number in range(3):
            store.database.room.complain(NoRoom())
            await store.inbox.take(number, ANNA, "a row")
    assert [entry["event"] for entry in logs] == ["cannot write"]
